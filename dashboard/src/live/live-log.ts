import { ApiError } from '../api/api'
import type { LogLine } from './log-documents'

export interface LogPageAnswer {
  lines: readonly LogLine[]
  startCursor: string | null
  endCursor: string | null
  hasBefore: boolean
  hasAfter: boolean
  updatesCursor: string
}

/** What the log needs of the API; tests put their own in. */
export interface LogSource {
  page(where: { after?: string; before?: string; fromEnd: boolean }, signal: AbortSignal): Promise<LogPageAnswer>
  follow(cursor: () => string, next: (cursor: string, line: LogLine | null) => void): () => void
  /** Whether a line that was appended belongs to what is shown. */
  shows(line: LogLine): boolean
}

/** Lines that are kept; beyond this the far end is let go, and asked for again when somebody scrolls there. */
const MAX_LINES = 20_000

/** A window on a log that grows at both ends: pages before and after, and what the engine appends. */
export class LiveLog {
  lines: readonly LogLine[] = []
  hasBefore = false
  hasAfter = false
  loading: 'first' | 'before' | 'after' | null = 'first'
  error: ApiError | null = null
  /** Lines that have arrived since somebody looked at the end. */
  fresh = 0
  version = 0

  private readonly listeners = new Set<() => void>()
  private readonly known = new Set<string>()
  private start: string | null = null
  private end: string | null = null
  private cursor = ''
  private unfollow: (() => void) | undefined
  private readonly asking = new AbortController()

  constructor(private readonly source: LogSource) {}

  /** The first page, from the log's beginning or its end; then what is appended. */
  async open(fromEnd: boolean): Promise<void> {
    const page = await this.ask('first', { fromEnd })
    if (!page) return
    this.replace(page)
    this.cursor = page.updatesCursor
    this.unfollow?.()
    this.unfollow = this.source.follow(
      () => this.cursor,
      (cursor, line) => this.appended(cursor, line),
    )
  }

  /** Another window: the log's beginning or end, whatever is between. */
  async jump(fromEnd: boolean): Promise<void> {
    const page = await this.ask('first', { fromEnd })
    if (page) this.replace(page)
  }

  async before(): Promise<void> {
    if (!this.hasBefore || this.loading || this.start === null) return
    const page = await this.ask('before', { before: this.start, fromEnd: true })
    if (!page) return
    const lines = this.unknown(page.lines)
    this.lines = [...lines, ...this.lines].slice(0, MAX_LINES)
    this.start = page.startCursor ?? this.start
    this.hasBefore = page.hasBefore
    this.tell()
  }

  async after(): Promise<void> {
    if (!this.hasAfter || this.loading || this.end === null) return
    const page = await this.ask('after', { after: this.end, fromEnd: false })
    if (!page) return
    this.lines = [...this.lines, ...this.unknown(page.lines)].slice(-MAX_LINES)
    this.end = page.endCursor ?? this.end
    this.hasAfter = page.hasAfter
    this.tell()
  }

  /** Somebody has seen the end. */
  seen(): void {
    if (!this.fresh) return
    this.fresh = 0
    this.tell()
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  close(): void {
    this.asking.abort()
    this.unfollow?.()
  }

  private appended(cursor: string, line: LogLine | null): void {
    this.cursor = cursor
    if (line === null) {
      void this.open(true) // the cursor is too old: the log is listed again
      return
    }
    if (!this.source.shows(line) || this.known.has(line.id)) return
    this.fresh++
    // Behind a gap it is only counted: the pages between come first.
    if (!this.hasAfter) {
      this.known.add(line.id)
      // Appended is not latest: engines report late. Lines are in the order of their times.
      let at = this.lines.length
      while (at > 0 && this.lines[at - 1]!.at > line.at) at--
      this.lines = [...this.lines.slice(0, at), line, ...this.lines.slice(at)]
    }
    this.tell()
  }

  private replace(page: LogPageAnswer): void {
    this.known.clear()
    this.lines = this.unknown(page.lines)
    this.start = page.startCursor
    this.end = page.endCursor
    this.hasBefore = page.hasBefore
    this.hasAfter = page.hasAfter
    this.fresh = 0
    this.tell()
  }

  private unknown(lines: readonly LogLine[]): LogLine[] {
    const fresh = lines.filter(({ id }) => !this.known.has(id))
    for (const { id } of fresh) this.known.add(id)
    return fresh
  }

  private async ask(
    loading: NonNullable<LiveLog['loading']>,
    where: Parameters<LogSource['page']>[0],
  ): Promise<LogPageAnswer | null> {
    this.loading = loading
    this.tell()
    try {
      const page = await this.source.page(where, this.asking.signal)
      this.error = null
      return this.asking.signal.aborted ? null : page
    } catch (error) {
      if (this.asking.signal.aborted) return null
      this.error = error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED')
      return null
    } finally {
      this.loading = null
      this.tell()
    }
  }

  private tell(): void {
    this.version++
    for (const listener of this.listeners) listener()
  }
}
