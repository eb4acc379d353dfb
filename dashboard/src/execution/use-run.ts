import { useEffect, useState, useSyncExternalStore } from 'react'
import { ApiError, ask, given, SentNumber } from '../api/api'
import { follow } from '../api/follow'
import type { ExecutionFilter } from '../filter/api-filter'
import { session } from '../api/session'
import { ExecutionChanged, ExecutionDetail, type Run, UpdatesFrom } from './documents'

export type RunState =
  | { kind: 'loading'; run: Run | null }
  | { kind: 'shown'; run: Run }
  | { kind: 'missing'; deleted: boolean }
  | { kind: 'failed'; error: ApiError; run: Run | null }

/** How a number was written matters in JSON of engines, not in our own figures: `2000.0` is 2,000 milliseconds. */
function plain(run: Run): Run {
  const value = (sent: number | null): number | null =>
    (sent as unknown) instanceof SentNumber ? Number((sent as unknown as SentNumber).source) : sent
  return {
    ...run,
    durationMs: value(run.durationMs),
    queueMs: value(run.queueMs),
    steps: run.steps.map((step) => ({ ...step, durationMs: value(step.durationMs) })),
  }
}

/** Changes that come together, as the events of one run do, ask for it once. */
const GATHER_MS = 150

/** A run that the server keeps current: what changes is asked for again, whole. */
export function useRun(id: string): RunState & { again: () => void } {
  const [state, setState] = useState<RunState>({ kind: 'loading', run: null })
  const [round, setRound] = useState(0)
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  useEffect(() => {
    const asking = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let unfollow: (() => void) | undefined
    let run: Run | null = null

    const load = async (): Promise<void> => {
      try {
        const { execution } = await ask(ExecutionDetail, { id }, { signal: asking.signal, exact: true })
        if (execution === null) {
          setState({ kind: 'missing', deleted: run !== null })
          return
        }
        run = plain(execution)
        setState({ kind: 'shown', run })
      } catch (error) {
        if (asking.signal.aborted) return
        setState({ kind: 'failed', error: error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED'), run })
      }
    }
    const start = async (): Promise<void> => {
      let cursor: string | null = null
      let filter: ExecutionFilter = { id: [id] }
      try {
        // The cursor first: what changes between the two is told, not missed.
        const { executions } = await ask(UpdatesFrom, { filter }, { signal: asking.signal })
        cursor = given(executions).updatesCursor
      } catch {
        // Then the run itself says what is wrong.
      }
      await load()
      if (asking.signal.aborted || cursor === null) return
      // All of its line of retries: what becomes of one decides whether another can be retried.
      if (run) filter = { rootExecutionId: (run as Run).rootExecutionId }
      unfollow = follow(
        ExecutionChanged,
        () => ({ filter, after: cursor }),
        ({ executionUpdated }) => {
          cursor = executionUpdated.cursor
          clearTimeout(timer)
          timer = setTimeout(() => void load(), GATHER_MS)
        },
      )
    }
    setState((before) => (before.kind === 'shown' && before.run.id === id ? before : { kind: 'loading', run: null }))
    void start()
    return () => {
      asking.abort()
      clearTimeout(timer)
      unfollow?.()
    }
  }, [id, round, signedOut])
  return { ...state, again: () => setRound((count) => count + 1) }
}
