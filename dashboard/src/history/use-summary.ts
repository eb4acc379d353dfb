import { useEffect, useRef, useState } from 'react'
import { ApiError, type ask, askPartly } from '../api/api'
import type { ResultOf } from '../api/graphql'
import { filterOf } from '../filter/api-filter'
import { type Choice, type Status, writeChoice } from '../filter/filter'
import type { LiveList } from '../live/live-list'
import { now } from '../time/clock'
import { Summary } from './documents'

/** Figures are asked again this long after the update that made them stale, and never on a timer alone. */
const STALE_MS = 5_000

export interface SummaryState {
  data: ResultOf<typeof Summary> | null
  /** Why a part of it is null, by the name of the part. */
  errors: ReadonlyMap<string, ApiError>
  /** Why nothing of it could be asked for; what was known stays. */
  error: ApiError | null
  retry(): void
}

/** Counts and histogram of a choice, kept current while updates arrive, and left alone while the tab is hidden. */
export function useSummary(choice: Choice, list: LiveList): SummaryState {
  const [data, setData] = useState<SummaryState['data']>(null)
  const [errors, setErrors] = useState<SummaryState['errors']>(new Map())
  const [error, setError] = useState<ApiError | null>(null)
  const [again, setAgain] = useState(0)
  const latest = useRef(choice)
  latest.current = choice
  const key = writeChoice({ ...choice, sort: { field: 'queued', descending: true } }).toString()

  useEffect(() => {
    const asking = new AbortController()
    askPartly(Summary, variables(latest.current), { signal: asking.signal }).then(
      (answer) => {
        setData(answer.data)
        setErrors(new Map(answer.errors.map((each) => [String(each.path[0]), each])))
        setError(null)
      },
      (reason: unknown) => {
        if (!asking.signal.aborted) setError(reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED'))
      },
    )
    return () => asking.abort()
  }, [key, again])

  useEffect(() => {
    let seen = list.updates
    const timer = setInterval(() => {
      if (document.hidden || list.updates === seen) return
      seen = list.updates
      setAgain((count) => count + 1)
    }, STALE_MS)
    return () => clearInterval(timer)
  }, [list])

  return { data, errors, error, retry: () => setAgain((count) => count + 1) }
}

function variables(choice: Choice): Record<string, unknown> & Parameters<typeof ask<unknown, never>>[1] {
  const at = now()
  const of = (status: Status): unknown => filterOf({ ...choice, status: [status], state: [] }, at)
  return {
    all: filterOf({ ...choice, status: [], state: [] }, at),
    failure: of('FAILURE'),
    pending: of('PENDING'),
    success: of('SUCCESS'),
    cancelled: of('CANCELLED'),
    unresolved: filterOf({ ...choice, status: [], state: [], unresolved: true }, at),
    histogram: filterOf(choice, at),
  } as never
}
