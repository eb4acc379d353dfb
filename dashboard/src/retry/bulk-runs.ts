import { type ApiError, asApiError, ask } from '../api/api'
import { type Bulk, BulkRetryById, RetryMany } from './documents'

/** So many a request: each answer moves the progress on, and is soon enough for whoever stops. */
const BATCH = 100

/** A bulk retry as this tab knows it. What is true is on the server: a lost answer loses nothing. */
export interface BulkRun {
  bulk: Bulk | null
  /** No bulk retry has this id, or it is over 30 days old. */
  missing: boolean
  running: boolean
  stopping: boolean
  error: ApiError | null
}

const NOTHING: BulkRun = { bulk: null, missing: false, running: false, stopping: false, error: null }
const runs = new Map<string, BulkRun>()
const watchers = new Set<() => void>()

function set(id: string, part: Partial<BulkRun>): void {
  runs.set(id, { ...bulkRun(id), ...part })
  for (const watcher of watchers) watcher()
}

export function subscribe(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

export function bulkRun(id: string): BulkRun {
  return runs.get(id) ?? NOTHING
}

/** Read what has become of it, here or in another tab. */
export async function read(id: string): Promise<void> {
  if (bulkRun(id).running) return
  try {
    const { bulkRetry } = await ask(BulkRetryById, { id })
    if (!bulkRun(id).running) set(id, { bulk: bulkRetry, missing: bulkRetry === null, error: null })
  } catch (error) {
    set(id, { error: asApiError(error) })
  }
}

/** Start it, or go on with what is left of it, batch after batch, until nothing is left or somebody stops it. */
export async function goOn(from: Bulk): Promise<void> {
  const { id, snapshot } = from
  if (bulkRun(id).running) return
  set(id, { bulk: from, running: true, stopping: false, error: null, missing: false })
  try {
    for (;;) {
      const { retryExecutions } = await ask(RetryMany, { input: { snapshot, dryRun: false, batch: BATCH } })
      set(id, { bulk: retryExecutions })
      if (retryExecutions.unprocessedCount === 0 || bulkRun(id).stopping) break
    }
    set(id, { running: false, stopping: false })
  } catch (error) {
    set(id, { running: false, stopping: false, error: asApiError(error) })
    // The answer was lost, perhaps not the work: the server knows.
    const { bulkRetry } = await ask(BulkRetryById, { id }).catch(() => ({ bulkRetry: null }))
    if (bulkRetry) set(id, { bulk: bulkRetry })
  }
}

/** Stop when the batch that is under way has been answered. */
export function stop(id: string): void {
  set(id, { stopping: true })
}
