import { useEffect, useState } from 'react'
import { ask } from '../api/api'
import { type Attempt, Family, type Run } from './documents'

/** The line of retries of a run, by attempt; of a run without any, and until the others are known, the run alone. */
export function useAttempts(run: Run | null): readonly Attempt[] {
  const [family, setFamily] = useState<{ root: string; attempts: readonly Attempt[] } | null>(null)
  const alone = run === null || (run.attempt === 1 && run.retries.length === 0)
  useEffect(() => {
    if (alone) return
    const asking = new AbortController()
    const root = run.rootExecutionId
    ask(Family, { root }, { signal: asking.signal }).then(
      ({ executions }) => {
        const attempts = executions?.nodes ?? []
        setFamily({ root, attempts: attempts.toSorted((a, b) => a.attempt - b.attempt) })
      },
      () => {}, // then the run is shown without the others
    )
    return () => asking.abort()
    // A change of any of them loads the run again.
  }, [run, alone])
  if (run === null) return []
  if (alone || family?.root !== run.rootExecutionId) return [run]
  // What is shown above and what is in the line are one: the run itself is the newer.
  return family.attempts.map((each) => (each.id === run.id ? run : each))
}
