import type { Attempt, Run } from './documents'

/** The line of retries that a run belongs to, as far as it is known: by attempt, ties by time. Pure. */
export function chainOf(run: Run): Attempt[] {
  const known = new Map<string, Attempt>()
  for (const each of [run.rootExecution, run.retryOf, run, ...run.retries]) if (each) known.set(each.id, each)
  return [...known.values()].toSorted((a, b) => a.attempt - b.attempt || a.queuedAt.localeCompare(b.queuedAt))
}
