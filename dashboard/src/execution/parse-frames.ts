import type { Frame } from './frames'

/** Stack traces of Python and JavaScript as frames, the innermost first. Pure. */

const PYTHON = /^ {2}File "(?<file>[^"]+)", line (?<line>\d+)(?:, in (?<name>.+))?$/
const JAVASCRIPT = /^\s+at (?:(?<name>.+?) \()?(?<file>[^()\s]+?):(?<line>\d+)(?::\d+)?\)?$/
const LIBRARY = /(?:site-packages|dist-packages|node_modules)\/|\/lib\/python\d|^node:|^<frozen |^internal\//
const CHAINED = /^(?:During handling of the above exception|The above exception was the direct cause)/

/** Null when the text is of a language that is not read here. */
export function framesOf(text: string): Frame[] | null {
  const lines = text.split('\n')
  if (lines.some((line) => PYTHON.test(line))) return pythonFrames(lines)
  const found = lines.map((line) => JAVASCRIPT.exec(line)).filter((match) => match !== null)
  if (!found.length) return null
  return found.map(({ groups }) => frame(groups!.file!, groups!.line!, groups!.name, null))
}

function pythonFrames(lines: readonly string[]): Frame[] {
  // Each error of the chain has its frames outermost first, and its own line after them; the last error is the one.
  const errors: { frames: Frame[]; says: string }[] = [{ frames: [], says: '' }]
  for (const [at, line] of lines.entries()) {
    const match = PYTHON.exec(line)
    const current = errors.at(-1)!
    if (match) {
      const next = lines[at + 1]
      const source = next?.startsWith('    ') ? next.trim() : null
      current.frames.push(frame(match.groups!.file!, match.groups!.line!, match.groups!.name, source))
    } else if (CHAINED.test(line)) errors.push({ frames: [], says: '' })
    else if (current.frames.length && line.trim() && !line.startsWith(' ') && !current.says) current.says = line
  }
  const [last, ...earlier] = errors.toReversed()
  const shown: Frame[] = last!.frames.toReversed()
  for (const { frames, says } of earlier) {
    shown.push(...frames.toReversed().map((each, at) => (at === 0 && says ? { ...each, cause: says } : each)))
  }
  return shown
}

function frame(file: string, line: string, name: string | undefined, source: string | null): Frame {
  return { file, line: Number(line), function: name ?? null, source, library: LIBRARY.test(file), cause: null }
}
