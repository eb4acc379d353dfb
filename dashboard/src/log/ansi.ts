/** Terminal colours in a log line, as pieces with a class each; other control characters are shown, not obeyed. Pure. */

export interface Piece {
  text: string
  /** `ansi-31`, `ansi-bold`, …; empty for plain text. */
  classes: string
}

// oxlint-disable-next-line no-control-regex
const ESCAPE = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-z]/g
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

export function piecesOf(message: string): Piece[] {
  const pieces: Piece[] = []
  let colour = ''
  let bold = false
  let at = 0
  const push = (text: string): void => {
    if (text === '') return
    const classes = [colour, bold ? 'ansi-bold' : ''].filter(Boolean).join(' ')
    pieces.push({ text: text.replace(CONTROL, (char) => (char === '\u007f' ? '␡' : String.fromCharCode(0x2400 + char.charCodeAt(0)))), classes })
  }
  for (const match of message.matchAll(ESCAPE)) {
    push(message.slice(at, match.index))
    at = match.index + match[0].length
    if (match[1] === undefined) continue // moves of a cursor mean nothing here
    for (const code of match[1] === '' ? [0] : match[1].split(';').map(Number)) {
      if (code === 0) [colour, bold] = ['', false]
      else if (code === 1) bold = true
      else if (code === 22) bold = false
      else if (code === 39) colour = ''
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) colour = `ansi-${code % 10 + 30}`
    }
  }
  push(message.slice(at))
  return pieces
}
