/** Terminal colours in a log line, as pieces with a class each; other control characters are shown, not obeyed. Pure. */

export interface Piece {
  text: string
  /** `ansi-31`, `ansi-bold`, …; empty for plain text. */
  classes: string
}

// Colours; then what a page has no use for: moves of a cursor, titles and links of a terminal (their text stays).
const ESCAPE =
  // oxlint-disable-next-line no-control-regex
  /\u001b\[([0-9;:]*)m|\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

interface Style {
  colour: string
  bold: boolean
  faint: boolean
  italic: boolean
  underline: boolean
}
const PLAIN: Style = { colour: '', bold: false, faint: false, italic: false, underline: false }

export function piecesOf(message: string): Piece[] {
  const pieces: Piece[] = []
  let style = PLAIN
  let at = 0
  const push = (text: string): void => {
    if (text === '') return
    const classes = [
      style.colour,
      ...(['bold', 'faint', 'italic', 'underline'] as const).map((each) => (style[each] ? `ansi-${each}` : '')),
    ]
    pieces.push({ text: text.replace(CONTROL, sign), classes: classes.filter(Boolean).join(' ') })
  }
  // A line's own end is no control character.
  const text = message.replace(/\r?\n$/, '').replaceAll('\r\n', '\n')
  for (const match of text.matchAll(ESCAPE)) {
    push(text.slice(at, match.index))
    at = match.index + match[0].length
    if (match[1] !== undefined) style = styled(style, match[1])
  }
  push(text.slice(at))
  return pieces
}

/** `␛` for what would move a terminal's cursor; ␀ to ␟ for each. */
function sign(char: string): string {
  return char === '\u007f' ? '␡' : String.fromCharCode(0x2400 + char.charCodeAt(0))
}

function styled(before: Style, codes: string): Style {
  let style = before
  const all = codes === '' ? [0] : codes.split(/[;:]/).map(Number)
  for (let at = 0; at < all.length; at++) {
    const code = all[at]!
    if (code === 0) style = PLAIN
    else if (code === 1) style = { ...style, bold: true }
    else if (code === 2) style = { ...style, faint: true }
    else if (code === 3) style = { ...style, italic: true }
    else if (code === 4) style = { ...style, underline: true }
    else if (code === 22) style = { ...style, bold: false, faint: false }
    else if (code === 23) style = { ...style, italic: false }
    else if (code === 24) style = { ...style, underline: false }
    else if (code === 39) style = { ...style, colour: '' }
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style = { ...style, colour: `ansi-${(code % 10) + 30}` }
    else if (code === 38 || code === 48) {
      // One of 256 colours (5;n) or of all (2;r;g;b): of the former, the first 16 are the palette's.
      const [kind, number] = [all[at + 1], all[at + 2]]
      if (code === 38) style = { ...style, colour: kind === 5 && number !== undefined && number < 16 ? `ansi-${30 + (number % 8)}` : '' }
      at += kind === 5 ? 2 : kind === 2 ? 4 : all.length
    }
  }
  return style
}
