import { ApiError } from '../api/api'
import type { Level, LogLine } from './log-documents'

/** Where a window on the log begins: so many lines from its start, around a line, or at its end. */
export type Where = { skip: number } | { around: string } | { end: true }
export type LevelCounts = Readonly<Record<Level, number>>

export interface LogAnswer {
  lines: readonly LogLine[]
  /** How many lines of the list are before them; null where the server would not count. */
  offset: number | null
  /** By level, of step and search alone; null when it was not asked for. */
  counts: LevelCounts | null
  /** Whether counting stopped somewhere. */
  atLeast: boolean
  updatesCursor: string
}

/** A line that was appended: late ones have no number. */
type Appended = Omit<LogLine, 'number'>

/** What the log needs of the API; tests put their own in. */
export interface LogSource {
  page(where: Where, size: number, counts: boolean, signal: AbortSignal): Promise<LogAnswer>
  follow(cursor: () => string, next: (cursor: string, lines: readonly Appended[] | null) => void): () => void
  /** Whether a line that was appended counts among its level, and whether it belongs to what is shown. */
  counts(line: Appended): boolean
  shows(line: Appended): boolean
  /** The levels that are shown. */
  levels: readonly Level[]
  /** Whether every line is shown: then its place is its number. */
  whole: boolean
}

/** Lines of one request, and of one piece of what is kept. */
export const PAGE = 1_000
/** Pieces that are kept: those far from what is looked at are let go, and asked for again when somebody scrolls there. */
const MAX_PIECES = 20

/**
 * A log of any length, of which pieces are known: its length and every place in it are true from the start, the lines
 * come as somebody looks at them. What the engine appends, and what comes late, is put where it belongs.
 */
export class LiveLog {
  total = 0
  /** Whether there may be more lines than `total`. */
  atLeast = false
  counts: LevelCounts | null = null
  /** Before the first answer. */
  opening = true
  loading = false
  error: ApiError | null = null
  /** The line that was asked for is not there: the end is shown instead. */
  lost = false
  /** Lines that have arrived since somebody looked at the end. */
  fresh = 0
  version = 0

  private pieces = new Map<number, (LogLine | undefined)[]>()
  private readonly listeners = new Set<() => void>()
  private looked = { from: 0, to: 0 }
  private cursor = ''
  private unfollow: (() => void) | undefined
  private asking: AbortController | null = null
  private asked = { from: 0, to: 0 }
  private stale = false
  private closed = false

  constructor(readonly source: LogSource) {}

  /** The first window. Returns the place of its line: the one that was asked for, the first, or the last. */
  async open(where: Where): Promise<number | null> {
    const answer = await this.ask(where, PAGE, true)
    if (!answer) {
      // A line that was pruned, or of another run.
      if (!('around' in where) || !['NOT_FOUND', 'BAD_USER_INPUT'].includes(this.error?.code ?? '')) return null
      this.lost = true
      return this.open({ end: true })
    }
    this.take(answer, where)
    this.opening = false
    this.cursor = answer.updatesCursor
    this.unfollow?.()
    this.unfollow = this.source.follow(
      () => this.cursor,
      (cursor, lines) => this.appended(cursor, lines),
    )
    this.tell()
    if ('around' in where) return this.placeOf(where.around)
    return 'end' in where ? Math.max(0, this.total - 1) : where.skip
  }

  /** The line at a place, if it is known. */
  line(place: number): LogLine | undefined {
    return this.pieces.get(Math.floor(place / PAGE))?.[place % PAGE]
  }

  /** Where a known line is; null: it is not known. */
  placeOf(id: string): number | null {
    for (const [piece, lines] of this.pieces) {
      const at = lines.findIndex((line) => line?.id === id)
      if (at >= 0) return piece * PAGE + at
    }
    return null
  }

  /** Somebody looks at these places: what is not known of them is asked for, with what is around. */
  look(from: number, to: number): void {
    this.looked = { from, to }
    if (this.opening || this.error) return
    let missing = from
    if (!this.stale) while (missing < to && this.line(missing)) missing++
    if (missing >= to) return
    if (this.asking) {
      if (missing >= this.asked.from && missing < this.asked.to) return
      this.asking.abort()
    }
    // In the middle of nothing, half of a page lies before; beside known lines it goes on from them.
    const skip = this.line(missing - 1) && !this.stale ? missing : Math.max(0, missing - PAGE / 2)
    void this.load(skip)
  }

  /** Load a line and those around it; returns its place, null if it is not in the list. */
  async locate(id: string, number: number | null): Promise<number | null> {
    if (this.source.whole && number !== null) return Math.min(number - 1, Math.max(0, this.total - 1))
    const known = this.placeOf(id)
    if (known !== null) return known
    const answer = await this.ask({ around: id }, PAGE, false)
    if (!answer || answer.offset === null) return null
    this.put(answer.offset, answer.lines)
    this.tell()
    return this.placeOf(id)
  }

  /** All lines between two places, also those that are not known, a page at a time. */
  async *read(from: number, to: number, signal: AbortSignal): AsyncGenerator<readonly LogLine[]> {
    for (let at = from; at < to; ) {
      const { lines } = await this.source.page({ skip: at }, Math.min(PAGE, to - at), false, signal)
      if (!lines.length) return
      yield lines
      at += lines.length
    }
  }

  /** Somebody has seen the end. */
  seen(): void {
    if (!this.fresh) return
    this.fresh = 0
    this.tell()
  }

  /** Ask again for what failed. */
  again(): void {
    this.error = null
    if (this.opening) void this.open({ end: true })
    else this.look(this.looked.from, this.looked.to)
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  close(): void {
    this.closed = true
    this.asking?.abort()
    this.unfollow?.()
  }

  private async load(skip: number): Promise<void> {
    this.asked = { from: skip, to: skip + PAGE }
    const answer = await this.ask({ skip }, PAGE, false)
    if (!answer) return
    if (this.stale) this.pieces.clear()
    this.stale = false
    this.put(skip, answer.lines)
    if (!answer.lines.length) this.total = Math.min(this.total, skip) // lines were pruned
    this.tell()
  }

  private take(answer: LogAnswer, where: Where): void {
    const { counts, lines } = answer
    this.counts = counts
    this.atLeast = answer.atLeast
    const counted = counts ? this.source.levels.reduce((sum, level) => sum + counts[level], 0) : 0
    const offset = answer.offset ?? ('end' in where ? Math.max(0, counted - lines.length) : 0)
    this.total = Math.max(counted, offset + lines.length)
    this.pieces.clear()
    this.stale = false
    this.fresh = 0
    this.put(offset, lines)
  }

  /** Lines beyond the end that is known are left out: they are on their way as appended ones. */
  private put(offset: number, lines: readonly LogLine[]): void {
    if (this.atLeast) this.total = Math.max(this.total, offset + lines.length)
    for (const [at, line] of lines.entries()) {
      if (offset + at < this.total) this.set(offset + at, line)
    }
    const middle = (this.looked.from + this.looked.to) / 2 / PAGE
    const kept = [...this.pieces.keys()].toSorted((a, b) => Math.abs(a + 0.5 - middle) - Math.abs(b + 0.5 - middle))
    for (const piece of kept.slice(MAX_PIECES)) this.pieces.delete(piece)
  }

  private set(place: number, line: LogLine): void {
    const piece = Math.floor(place / PAGE)
    let lines = this.pieces.get(piece)
    if (!lines) this.pieces.set(piece, (lines = []))
    lines[place % PAGE] = line
  }

  private appended(cursor: string, lines: readonly Appended[] | null): void {
    this.cursor = cursor
    if (lines === null) {
      void this.open({ end: true }) // the cursor is too old: the log is listed again
      return
    }
    for (const line of lines) {
      if (this.counts && this.source.counts(line)) this.counts = { ...this.counts, [line.level]: this.counts[line.level] + 1 }
      if (!this.source.shows(line)) continue
      this.fresh++
      this.total++
      this.insert(line)
    }
    this.tell()
  }

  /** Appended is not latest: engines report late. Lines are in the order of their times. */
  private insert(line: Appended): void {
    let place = this.total - 1
    while (place > 0) {
      const before = this.line(place - 1)
      if (!before) {
        // Nothing is known of the end. If it came last, it is there when somebody looks; else places have moved.
        if (place < this.total - 1 || !this.lastKnownBefore(line.at)) this.stale = true
        return
      }
      if (before.at <= line.at) break
      place--
    }
    for (let at = this.total - 1; at > place; at--) this.set(at, this.line(at - 1)!)
    this.set(place, { ...line, number: this.source.whole ? place + 1 : null } as LogLine)
    if (this.source.whole) for (let at = place + 1; at < this.total; at++) this.set(at, { ...this.line(at)!, number: at + 1 })
  }

  /** Whether every known line was written before a moment: a line of that moment then moves none of them. */
  private lastKnownBefore(at: string): boolean {
    const last = Math.max(-1, ...this.pieces.keys())
    return (this.pieces.get(last)?.findLast((line) => line !== undefined)?.at ?? '') <= at
  }

  private async ask(where: Where, size: number, counts: boolean): Promise<LogAnswer | null> {
    this.asking?.abort()
    const asking = new AbortController()
    this.asking = asking
    this.loading = true
    this.tell()
    try {
      const answer = await this.source.page(where, size, counts, asking.signal)
      if (asking.signal.aborted || this.closed) return null
      this.error = null
      return answer
    } catch (error) {
      if (!asking.signal.aborted) this.error = error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED')
      return null
    } finally {
      if (this.asking === asking) {
        this.asking = null
        this.loading = false
        this.tell()
      }
    }
  }

  private tell(): void {
    this.version++
    for (const listener of this.listeners) listener()
  }
}
