import { useEffect, useRef, useState } from 'react'
import { ApiError, askPartly, mayPass } from '../api/api'
import type { TadaDocumentNode } from '../api/graphql'
import { filterOf, type ExecutionFilter } from '../filter/api-filter'
import { type Choice, NOTHING, writeChoice } from '../filter/filter'
import type { LiveList } from '../live/live-list'
import { useZone } from '../parts/settings'
import { now, useApart } from '../time/clock'
import { Facets, Histogram } from './documents'

/** Figures are asked again this long after the update that made them stale, and never on a timer alone. */
const STALE_MS = 5_000
/** A figure that could not be had is asked for again after as long, so often in a row. */
const MAX_AGAIN = 3

export interface Part<T> {
  data: T | null
  /** Why there is none, or nothing newer. */
  error: ApiError | null
  /** Why some of it is null, by the name of the field. */
  missing: ReadonlyMap<string, ApiError>
}

export interface Summary {
  facets: Part<Facets>
  histogram: Part<Histogram>
  retry(): void
}

/** Counts and histogram of a choice, kept current while updates arrive, and left alone while the tab is hidden. */
export function useSummary(choice: Choice, list: LiveList): Summary {
  const [again, setAgain] = useState(0)
  const wrongBy = useApart()
  const key = `${again} ${choice.range === null ? 0 : wrongBy} ${writeChoice({ ...choice, sort: NOTHING.sort })}`
  const zone = useZone()
  const filter = (): ExecutionFilter => filterOf(choice, now())
  const facets = usePart(Facets, () => ({ filter: filter() }), ({ executionFacets }) => executionFacets, key)
  // Its days and hours are those of the zone that all times of the page are in.
  const bars = usePart(Histogram, () => ({ filter: filter(), zone }), ({ executionHistogram }) => executionHistogram, `${zone} ${key}`)

  useEffect(() => {
    let seen = list.updates
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = (): void => {
      timer = undefined
      seen = list.updates
      setAgain((count) => count + 1)
    }
    const look = (): void => {
      if (document.hidden) {
        clearTimeout(timer)
        timer = undefined
      } else if (list.updates !== seen) timer ??= setTimeout(ask, STALE_MS)
    }
    const unwatch = list.watch(look)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearTimeout(timer)
      unwatch()
      document.removeEventListener('visibilitychange', look)
    }
  }, [list])

  return { facets, histogram: bars, retry: () => setAgain((count) => count + 1) }
}

/** One root of the API; an answer that nobody waits for any more is given up. */
function usePart<R, V, T>(
  document: TadaDocumentNode<R, V>,
  variables: () => V,
  root: (data: R) => T | null,
  key: string,
): Part<T> {
  const [part, setPart] = useState<Part<T>>({ data: null, error: null, missing: new Map() })
  const latest = useRef({ variables, root })
  latest.current = { variables, root }
  const failures = useRef(0)
  const [round, setRound] = useState(0)
  useEffect(() => {
    const asking = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const settle = (error: ApiError | undefined): void => {
      failures.current = error ? failures.current + 1 : 0
      if (error && mayPass(error) && failures.current <= MAX_AGAIN) {
        timer = setTimeout(() => globalThis.document.hidden || setRound((count) => count + 1), STALE_MS)
      }
    }
    askPartly(document, latest.current.variables(), { signal: asking.signal }).then(
      ({ data, errors }) => {
        const found = latest.current.root(data)
        const missing = new Map(errors.map((each) => [String(each.path[1]), each]))
        setPart({ data: found, error: found === null ? (errors[0] ?? null) : null, missing })
        settle(errors[0])
      },
      (reason: unknown) => {
        if (asking.signal.aborted) return
        const error = reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED')
        setPart((before) => ({ ...before, error }))
        settle(error)
      },
    )
    return () => {
      clearTimeout(timer)
      asking.abort()
    }
  }, [document, key, round])
  return part
}
