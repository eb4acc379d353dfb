import { ApiError } from '../api/api'
import type { ExecutionUpdate, RunRow } from '../filter/documents'

const FIRST_PAGE = 50
const NEXT_PAGE = 100
/** Rows that a list keeps when it is asked again in place; the rest is dropped, and said to be. */
const MAX_RESYNC = 500

type Listener = () => void

/** What the list needs of the API; tests put their own in. */
export interface Source {
  page(first: number, after: string | null, signal: AbortSignal): Promise<Page>
  follow(cursor: () => string, next: (update: ExecutionUpdate) => void): () => void
}

export interface Page {
  rows: readonly RunRow[]
  updatesCursor: string
  endCursor: string | null
  hasNext: boolean
}

/**
 * A list that the server keeps current. Rows change in place, in the order that the server gave; newcomers wait until
 * somebody asks for them; what no longer matches stays and is marked, so that no row moves under the pointer.
 *
 * A row has listeners of its own: an update of one of ten thousand rows costs one render. Everything that arrives
 * within a frame is told once.
 */
export class LiveList {
  ids: readonly string[] = []
  /** Of rows that are shown, but match no more, or are deleted. */
  readonly gone = new Map<string, 'unmatched' | 'deleted'>()
  /** Ids that match and are not shown yet. */
  readonly waiting = new Set<string>()
  loading: 'first' | 'more' | 'refresh' | null = 'first'
  error: ApiError | null = null
  hasNext = false
  paused = false
  /** When the list was last known to be current, in ms; null before the first answer. */
  currentAt: number | null = null
  /** Rows that a refresh in place dropped. */
  dropped = 0
  /** Grows whenever something but a single row has changed. */
  version = 0
  /** Grows with each update taken in: counts and histograms are stale then. */
  updates = 0

  private readonly rows = new Map<string, RunRow>()
  /** What updates said of those that wait: newer than the answer that one's own deed may still get. */
  private readonly newest = new Map<string, RunRow>()
  private readonly listeners = new Set<Listener>()
  private readonly rowListeners = new Map<string, Set<Listener>>()
  private readonly changedRows = new Set<string>()
  private readonly held: ExecutionUpdate[] = []
  private listChanged = false
  private frame = 0
  private endCursor: string | null = null
  private cursor = ''
  private unfollow: (() => void) | undefined
  private asking = new AbortController()
  private closed = false

  constructor(
    private readonly source: Source,
    private readonly schedule: (work: () => void) => number = (work) => requestAnimationFrame(work),
  ) {}

  /** Load the first page and follow what changes after it. */
  async open(): Promise<void> {
    await this.load('first', FIRST_PAGE)
  }

  /** Load the next page. */
  async next(): Promise<void> {
    if (!this.hasNext || this.loading || this.endCursor === null) return
    const { signal } = this.asking
    this.begin('more')
    try {
      const page = await this.source.page(NEXT_PAGE, this.endCursor, signal)
      if (signal.aborted) return
      this.append(page.rows)
      this.endCursor = page.endCursor
      this.hasNext = page.hasNext
      this.finish(null)
    } catch (error) {
      this.fail(error, signal)
    }
  }

  /** Show those that wait: ask again from the top, as the order is the server's. Rows that go on matching stay loaded. */
  async reveal(): Promise<void> {
    if (this.paused) this.resume()
    await this.load('refresh', Math.max(FIRST_PAGE, Math.min(this.ids.length, NEXT_PAGE)))
  }

  /** Take nothing in; what arrives is kept, and counted where it is new. */
  pause(): void {
    this.paused = true
    this.changed()
  }

  resume(): void {
    this.paused = false
    for (const update of this.held.splice(0)) this.apply(update)
    this.changed()
  }

  /** How many updates wait for the end of the pause. */
  get heldCount(): number {
    return this.held.length
  }

  /** Show a run that this page itself has made. */
  insert(row: RunRow): void {
    this.waiting.delete(row.id)
    if (!this.rows.has(row.id)) {
      this.ids = [row.id, ...this.ids]
      this.rows.set(row.id, this.newest.get(row.id) ?? row)
    }
    this.changedRows.add(row.id)
    this.changed()
  }

  row = (id: string): RunRow | undefined => this.rows.get(id)

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  subscribeRow = (id: string, listener: Listener): (() => void) => {
    let listeners = this.rowListeners.get(id)
    if (!listeners) this.rowListeners.set(id, (listeners = new Set()))
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.rowListeners.delete(id)
    }
  }

  close(): void {
    this.closed = true
    this.asking.abort()
    this.unfollow?.()
  }

  private async load(how: 'first' | 'refresh', first: number): Promise<void> {
    this.asking.abort()
    this.asking = new AbortController()
    const { signal } = this.asking
    this.begin(how)
    try {
      const rows: RunRow[] = []
      let page = await this.source.page(Math.min(first, NEXT_PAGE), null, signal)
      const { updatesCursor } = page
      rows.push(...page.rows)
      while (rows.length < first && page.hasNext) {
        page = await this.source.page(Math.min(first - rows.length, NEXT_PAGE), page.endCursor, signal)
        rows.push(...page.rows)
      }
      if (signal.aborted) return
      this.dropped = how === 'refresh' && page.hasNext ? Math.max(0, this.ids.length - rows.length) : 0
      this.replace(rows)
      this.endCursor = page.endCursor
      this.hasNext = page.hasNext
      this.cursor = updatesCursor
      this.currentAt = Date.now()
      // Asked anew from this answer's cursor: what an older subscription was about to say is in the answer, or follows.
      this.unfollow?.()
      this.unfollow = this.source.follow(() => this.cursor, (update) => this.take(update))
      this.finish(null)
    } catch (error) {
      this.fail(error, signal)
    }
  }

  private take(update: ExecutionUpdate): void {
    this.currentAt = Date.now()
    this.cursor = update.cursor
    if (this.paused && update.change !== 'RESYNC') {
      this.held.push(update)
      this.changed()
    } else this.apply(update)
  }

  private apply(update: ExecutionUpdate): void {
    this.updates++
    if (update.change === 'RESYNC') {
      this.held.length = 0
      void this.load('refresh', Math.max(FIRST_PAGE, Math.min(this.ids.length, MAX_RESYNC)))
      return
    }
    const id = update.executionId
    if (id === null) return
    if (!this.rows.has(id)) {
      if (update.matches && update.change !== 'DELETED') this.waiting.add(id)
      else this.waiting.delete(id)
      if (update.execution) this.newest.set(id, update.execution)
      this.changed()
      return
    }
    if (update.execution) this.rows.set(id, update.execution)
    if (update.change === 'DELETED') this.gone.set(id, 'deleted')
    else if (update.matches) this.gone.delete(id)
    else this.gone.set(id, 'unmatched')
    this.changedRows.add(id)
    this.touch()
  }

  private replace(rows: readonly RunRow[]): void {
    this.rows.clear()
    this.newest.clear()
    this.gone.clear()
    this.waiting.clear()
    this.ids = []
    this.append(rows)
    for (const id of this.rowListeners.keys()) this.changedRows.add(id)
  }

  private append(rows: readonly RunRow[]): void {
    // A run may have moved from one page into the next while they were read.
    const fresh = rows.filter((row) => !this.rows.has(row.id))
    for (const row of fresh) {
      this.rows.set(row.id, row)
      this.waiting.delete(row.id)
    }
    this.ids = [...this.ids, ...fresh.map((row) => row.id)]
  }

  private begin(loading: NonNullable<LiveList['loading']>): void {
    this.loading = loading
    this.changed()
  }

  private finish(error: ApiError | null): void {
    this.loading = null
    this.error = error
    this.changed()
  }

  private fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return
    this.finish(error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED'))
  }

  private changed(): void {
    this.listChanged = true
    this.touch()
  }

  private touch(): void {
    if (this.frame !== 0 || this.closed) return
    this.frame = this.schedule(() => this.tell())
  }

  private tell(): void {
    this.frame = 0
    const rows = [...this.changedRows]
    this.changedRows.clear()
    for (const id of rows) for (const listener of this.rowListeners.get(id) ?? []) listener()
    if (!this.listChanged) return
    this.listChanged = false
    this.version++
    for (const listener of this.listeners) listener()
  }
}
