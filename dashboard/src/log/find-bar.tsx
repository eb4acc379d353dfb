import { type JSX, useEffect, useRef, useState } from 'react'
import { ApiError } from '../api/api'
import type { LogLine, LogMatch } from '../live/log-documents'
import { runTexts } from '../run-texts'
import { matchesOf, type Wanted } from './source'
import type { LogView } from './view'

const DEBOUNCE_MS = 250
/** The server finds at most so many. */
const MAX_MATCHES = 1_000

/** Find in the log: n of m, to and fro; the lines around stay, unless one asks for the matching ones only. */
export function Find({
  executionId,
  wanted,
  view,
  total,
  from,
  onShow,
}: {
  executionId: string
  wanted: Wanted
  view: LogView
  /** More lines may have more matches. */
  total: number
  /** The line at the top of what is looked at: the search begins there. */
  from: () => LogLine | null
  onShow: (match: LogMatch) => void
}): JSX.Element {
  const [typed, setTyped] = useState(view.search)
  const [found, setFound] = useState<{ of: string; matches: readonly LogMatch[] } | null>(null)
  const [at, setAt] = useState(-1)
  const [failed, setFailed] = useState<ApiError | null>(null)
  const latest = useRef({ view, from, onShow })
  latest.current = { view, from, onShow }
  const { search } = view
  useEffect(() => {
    const timer = setTimeout(() => {
      if (typed !== latest.current.view.search) latest.current.view.change({ search: typed, ...(typed === '' ? { only: false } : {}) })
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const { level, step } = wanted
  const shownFor = useRef('')
  useEffect(() => {
    if (search === '') {
      setFound(null)
      setFailed(null)
      return
    }
    const asking = new AbortController()
    matchesOf(executionId, { level, step, search: '' }, search, asking.signal).then(
      (matches) => {
        setFound({ of: search, matches })
        setFailed(null)
        const key = `${level} ${step} ${search}`
        if (shownFor.current === key) return // only more lines: what is looked at stays
        shownFor.current = key
        const top = latest.current.from()?.number ?? 0
        const first = matches.findIndex(({ number }) => number >= top)
        const index = matches.length === 0 ? -1 : first >= 0 ? first : matches.length - 1
        setAt(index)
        if (index >= 0) latest.current.onShow(matches[index]!)
      },
      (reason: unknown) => {
        if (!asking.signal.aborted) setFailed(reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED'))
      },
    )
    return () => asking.abort()
  }, [executionId, level, step, search, total])

  const matches = found?.of === search ? found.matches : []
  const go = (by: 1 | -1): void => {
    if (!matches.length) return
    const next = (at + by + matches.length) % matches.length
    setAt(next)
    onShow(matches[next]!)
  }
  return (
    <div className="log-find" role="search">
      <input
        type="search"
        value={typed}
        aria-label={runTexts.log.find}
        placeholder={runTexts.log.find}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault()
            if (typed !== search) view.change({ search: typed })
            else go(event.shiftKey ? -1 : 1)
          } else if (event.key === 'Escape' && typed !== '') {
            event.preventDefault()
            event.stopPropagation()
            setTyped('')
          }
        }}
      />
      {search !== '' && (
        <>
          <span className="numbers dim" role="status">
            {failed ? failed.message : found?.of === search && (matches.length ? runTexts.log.found(at + 1, matches.length, matches.length >= MAX_MATCHES) : runTexts.log.foundNone)}
          </span>
          <button type="button" className="bare" aria-label={runTexts.log.previousMatch} title={`${runTexts.log.previousMatch} (⇧⏎)`} onClick={() => go(-1)}>
            ↑
          </button>
          <button type="button" className="bare" aria-label={runTexts.log.nextMatch} title={`${runTexts.log.nextMatch} (⏎)`} onClick={() => go(1)}>
            ↓
          </button>
          <label className="only">
            <input type="checkbox" checked={view.only} onChange={(event) => view.change({ only: event.target.checked })} />
            {runTexts.log.onlyMatches}
          </label>
        </>
      )}
    </div>
  )
}
