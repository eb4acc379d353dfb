/** The server's frames of a stack trace, as rows to read. Pure. */

export interface Frame {
  file: string
  line: number | null
  function: string | null
  source: string | null
  /** Of a library or the language itself. */
  library: boolean
  /** The first frame of a cause has its error's line. */
  cause: string | null
}

export type Row =
  | { kind: 'frame'; frame: Frame }
  | { kind: 'cause'; text: string }
  /** Frames of libraries in a row, folded. */
  | { kind: 'libraries'; frames: Frame[] }

/** `own` folds what is of libraries; a trace of libraries alone stays open, since nothing else would be left. */
export function rowsOf(frames: readonly Frame[], view: 'own' | 'all'): Row[] {
  const folds = view === 'own' && frames.some(({ library }) => !library)
  const rows: Row[] = []
  for (const frame of frames) {
    if (frame.cause !== null) rows.push({ kind: 'cause', text: frame.cause })
    // A cause without frames of its own is nothing but its text.
    if (frame.file === '' && frame.function === null) continue
    const last = rows.at(-1)
    if (!folds || !frame.library) rows.push({ kind: 'frame', frame })
    else if (last?.kind === 'libraries') last.frames.push(frame)
    else rows.push({ kind: 'libraries', frames: [frame] })
  }
  return rows
}

/** What of a path tells: from the package on for libraries, else its last three parts. */
export function shortPath(file: string): string {
  if (file === '') return '?'
  const inLibrary = /(?:site-packages|dist-packages|node_modules)\/(.+)$/.exec(file)
  if (inLibrary) return inLibrary[1]!
  const parts = file.split('/')
  return parts.length > 4 ? `…/${parts.slice(-3).join('/')}` : file
}
