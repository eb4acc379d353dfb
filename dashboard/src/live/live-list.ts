import { ApiError } from '../api/api'
import { FIRST_PAGE } from '../filter/api-filter'
import type { ExecutionUpdate, RunRow } from '../filter/documents'
import type { Page, Source } from './source'
import { Told } from './told'

const NEXT_PAGE = 100
/** Rows that are asked for when a list is asked again; the rest is dropped, and said to be. */
const MAX_AGAIN = 500

/**
 * A list that the server keeps current. Rows change in place, in the order that the server gave; newcomers wait until
 * somebody asks for them; what no longer matches stays and is marked, so that no row moves under the pointer.
 */
export class LiveList extends Told {
  ids: readonly string[] = []
  /** Of rows that are shown, but match no more, or are deleted. */
  readonly gone = new Map<string, 'unmatched' | 'deleted'>()
  /** Ids that match and are not shown yet. */
  readonly waiting = new Set<string>()
  loading: 'first' | 'more' | 'refresh' | null = 'first'
  error: ApiError | null = null
  hasNext = false
  paused = false
  /** When its order was the server's, in ms; null before the first answer. */
  orderedAt: number | null = null
  /** Whether anything changed since. */
  outOfOrder = false
  /** Rows that a refresh in place dropped. */
  dropped = 0
  /** When it was last asked again in place, because nobody could say what had changed: by performance.now(). */
  resyncedAt: number | null = null
  /** Grows with each update taken in: counts and histograms are stale then. */
  updates = 0

  private readonly rows = new Map<string, RunRow>()
  /** What updates said of those that wait: newer than the answer that one's own deed may still get. */
  private readonly newest = new Map<string, RunRow>()
  private readonly held: ExecutionUpdate[] = []
  private readonly watchers = new Set<(update: ExecutionUpdate) => void>()
  private endCursor: string | null = null
  private cursor = ''
  private unfollow: (() => void) | undefined
  private asking = new AbortController()

  /** `newestFirst`: those that wait belong to the top, so that what is loaded below them stays. */
  constructor(
    private readonly source: Source,
    private readonly newestFirst = true,
    schedule?: (work: () => void) => number,
  ) {
    super(schedule)
  }

  /** Load the first page and follow what changes after it. */
  async open(): Promise<void> {
    await this.ask('first', async (signal) => {
      const page = await this.pages(FIRST_PAGE, () => true, signal)
      this.replace(page)
      this.follow(page.updatesCursor)
    })
    this.tellNow() // the first rows wait for no frame
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

  /**
   * Show those that wait: ask again from the top, as the order is the server's. Newest first, the answer goes on until it
   * meets what is loaded, which stays; in another order it replaces as many rows as were loaded.
   */
  async reveal(): Promise<void> {
    if (this.orderedAt === null) return this.open()
    if (this.paused) this.resume()
    const isKnown = (row: RunRow | undefined): boolean => row !== undefined && this.rows.has(row.id) && !this.gone.has(row.id)
    const from = this.cursor
    await this.ask('refresh', async (signal) => {
      const meets = (rows: RunRow[]): boolean => !this.newestFirst || this.ids.length === 0 || isKnown(rows.at(-1))
      const page = await this.pages(this.newestFirst ? FIRST_PAGE : this.ids.length, meets, signal)
      const last = page.rows.at(-1)
      if (!this.newestFirst || !page.hasNext || !isKnown(last)) {
        this.dropped = page.hasNext ? Math.max(0, this.ids.length - page.rows.length) : 0
        this.replace(page)
        return this.follow(page.updatesCursor)
      }
      const answered = new Set(page.rows.map((row) => row.id))
      const below = this.ids.slice(this.ids.indexOf(last!.id) + 1).filter((id) => !answered.has(id) && !this.gone.has(id))
      const rows = [...page.rows, ...below.map((id) => this.rows.get(id)!)]
      this.replace({ ...page, rows, endCursor: this.endCursor, hasNext: this.hasNext })
      this.follow(from) // of the rows below, the answer's cursor would miss what was under way
    })
  }

  /** Ask again after an unknown number of changes: each row keeps its place, newcomers wait, what is missing is marked. */
  private async resync(): Promise<void> {
    const loaded = this.ids.length
    await this.ask('refresh', async (signal) => {
      const page = await this.pages(loaded + this.waiting.size, () => true, signal)
      const rows = new Map(page.rows.map((row) => [row.id, row]))
      const lastKnown = this.ids.findLastIndex((id) => rows.has(id))
      // Behind the last row that both have, only a whole answer tells what is gone from what comes later.
      const kept = page.hasNext ? this.ids.slice(0, lastKnown + 1) : this.ids
      if (lastKnown < 0) this.replace(page)
      else {
        this.dropped = this.ids.length - kept.length
        for (const id of this.ids.slice(kept.length)) this.rows.delete(id)
        this.ids = kept
        this.gone.clear()
        this.waiting.clear()
        for (const id of kept) {
          const row = rows.get(id)
          if (row) this.rows.set(id, row)
          else this.gone.set(id, 'unmatched')
          this.changedRow(id)
        }
        for (const [id, row] of rows) {
          if (this.rows.has(id)) continue
          this.waiting.add(id)
          this.newest.set(id, row)
        }
        this.endCursor = page.endCursor
        this.hasNext = page.hasNext
      }
      this.resyncedAt = performance.now()
      this.follow(page.updatesCursor)
    })
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
    this.changedRow(row.id)
    this.changed()
  }

  /** Have this called with each update at once, also while nothing is drawn. Returns the end of it. */
  watch(watcher: (update: ExecutionUpdate) => void): () => void {
    this.watchers.add(watcher)
    return () => void this.watchers.delete(watcher)
  }

  row = (id: string): RunRow | undefined => this.rows.get(id)

  close(): void {
    this.mute()
    this.asking.abort()
    this.unfollow?.()
  }

  private async ask(how: 'first' | 'refresh', work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.asking.abort()
    this.asking = new AbortController()
    const { signal } = this.asking
    this.begin(how)
    try {
      await work(signal)
      if (!signal.aborted) this.finish(null)
    } catch (error) {
      this.fail(error, signal)
    }
  }

  /** Rows from the top: so many, and on until `enough`, but never more than can be asked for at once. */
  private async pages(count: number, enough: (rows: RunRow[]) => boolean, signal: AbortSignal): Promise<Page> {
    const least = Math.min(Math.max(count, FIRST_PAGE), MAX_AGAIN)
    const rows: RunRow[] = []
    let page: Page | undefined
    let cursor = ''
    while (!page || (page.hasNext && rows.length < MAX_AGAIN && (rows.length < least || !enough(rows)))) {
      const left = (rows.length < least ? least : MAX_AGAIN) - rows.length
      const next: Page = await this.source.page(Math.min(left, NEXT_PAGE), page?.endCursor ?? null, signal)
      signal.throwIfAborted()
      cursor ||= next.updatesCursor // the first: what changed between two pages is told again
      rows.push(...next.rows)
      page = next
    }
    return { ...page, rows, updatesCursor: cursor }
  }

  private follow(cursor: string): void {
    this.cursor = cursor
    this.unfollow?.()
    this.unfollow = this.source.follow(() => this.cursor, (update) => this.take(update))
  }

  private take(update: ExecutionUpdate): void {
    this.cursor = update.cursor
    if (this.paused && update.change !== 'RESYNC') {
      this.held.push(update)
      this.changed()
    } else this.apply(update)
  }

  private apply(update: ExecutionUpdate): void {
    this.updates++
    for (const watcher of this.watchers) watcher(update)
    if (update.change === 'RESYNC') {
      this.held.length = 0
      void this.resync()
      return
    }
    const id = update.executionId
    if (id === null) return
    if (!this.newestFirst && !this.outOfOrder) {
      this.outOfOrder = true
      this.changed()
    }
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
    this.changedRow(id)
  }

  private replace({ rows, endCursor, hasNext }: Page): void {
    this.orderedAt = Date.now()
    this.outOfOrder = false
    this.endCursor = endCursor
    this.hasNext = hasNext
    this.rows.clear()
    this.newest.clear()
    this.gone.clear()
    this.waiting.clear()
    this.ids = []
    this.append(rows)
    this.changedAllRows()
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
}
