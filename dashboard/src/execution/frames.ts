/** Stack traces of Python and JavaScript as frames, the innermost first. Pure. */

export interface Frame {
  file: string
  line: number | null
  name: string | null
  source: string | null
  /** Of a library or the language itself. */
  library: boolean
}

/** A line that begins another error of the chain. */
export interface Cause {
  cause: string
}

const PYTHON = /^ {2}File "(?<file>[^"]+)", line (?<line>\d+)(?:, in (?<name>.+))?$/
const JAVASCRIPT = /^\s+at (?:(?<name>.+?) \()?(?<file>[^()\s]+?):(?<line>\d+)(?::\d+)?\)?$/
const LIBRARY = /(?:site-packages|dist-packages|node_modules)\/|\/lib\/python\d|^node:|^<frozen |^internal\//
const CHAINED = /^(?:During handling of the above exception|The above exception was the direct cause)/

/** Null when the text is of a language that is not read here. */
export function framesOf(text: string): (Frame | Cause)[] | null {
  const lines = text.split('\n')
  if (lines.some((line) => PYTHON.test(line))) return pythonFrames(lines)
  const found = lines.map((line) => JAVASCRIPT.exec(line)).filter((match) => match !== null)
  if (!found.length) return null
  return found.map(({ groups }) => frame(groups!.file!, groups!.line!, groups!.name, null))
}

function pythonFrames(lines: readonly string[]): (Frame | Cause)[] {
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
  const shown: (Frame | Cause)[] = last!.frames.toReversed()
  for (const { frames, says } of earlier) {
    if (says) shown.push({ cause: says })
    shown.push(...frames.toReversed())
  }
  return shown
}

function frame(file: string, line: string, name: string | undefined, source: string | null): Frame {
  return { file: short(file), line: Number(line), name: name ?? null, source, library: LIBRARY.test(file) }
}

/** What of a path tells: from the package on for libraries, else its last three parts. */
function short(file: string): string {
  const inLibrary = /(?:site-packages|dist-packages|node_modules)\/(.+)$/.exec(file)
  if (inLibrary) return inLibrary[1]!
  const parts = file.split('/')
  return parts.length > 3 ? `…/${parts.slice(-3).join('/')}` : file
}
