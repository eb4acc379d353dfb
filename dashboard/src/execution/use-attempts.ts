import { chainOf } from './chain'
import type { Attempt, Run } from './documents'

/** The line of retries of a run. */
export function useAttempts(run: Run | null): readonly Attempt[] {
  return run ? chainOf(run) : []
}
