import { type JSX, type ReactNode, useEffect } from 'react'
import type { Choice } from '../filter/filter'
import { NameSearch } from '../frame/name-search'
import { TimeFilter } from '../history/time-filter'
import { timed } from '../metrics/figures'
import { NARROW, WindowFilters } from '../metrics/window-filters'
import { ErrorBox } from '../parts/error-box'
import { Nothing } from '../parts/nothing'
import { useIsPhone } from '../parts/row-height'
import { useZone } from '../parts/settings'
import type { Polled } from '../parts/use-polled'
import { texts as common } from '../texts'
import { clockTime } from '../time/time'
import type { Listed } from './use-pages'
import '../style/listing.css'
import '../metrics/metrics.css'
import './window-list.css'

interface Texts {
  title: string
  search: string
  count: (count: string) => string
  none: string
  noneHint: string
  noneMatches: string
  clear: string
}

/** A list of what the runs of a window come to: its head, what narrows it, and as many rows as are asked for. */
export function WindowList<T>({
  texts, list, choice, q, unknown, narrowed, onChoice, onSearch, onForget, onClear, onMore, controls, children,
}: {
  texts: Texts
  list: Polled<Listed<T>>
  choice: Choice
  q: string
  /** Parameters of the address that mean nothing here. */
  unknown: readonly string[]
  /** Whether anything but the time narrows it. */
  narrowed: boolean
  onChoice: (part: Partial<Choice>) => void
  onSearch: (text: string) => void
  onForget: () => void
  onClear: () => void
  onMore: () => void
  /** What narrows this list alone. */
  controls?: ReactNode
  children: (rows: readonly T[]) => JSX.Element
}): JSX.Element {
  const zone = useZone()
  const phone = useIsPhone()
  const { data } = list
  const filters = <WindowFilters choice={choice} change={onChoice} shows={common.filter.shows(data && texts.count(common.count(data.total)))} />
  useEffect(() => {
    document.title = `${texts.title} · ${common.product}`
  }, [texts.title])
  return (
    <>
      <header className="page-head">
        <h1>{texts.title}</h1>
        {data && <span className="dim numbers">{texts.count(common.count(data.total))}</span>}
        <div className="end">
          {list.asOf !== null && <span className="dim numbers as-of">{common.listing.asOf(clockTime(list.asOf, zone).slice(0, 8))}</span>}
          <TimeFilter choice={timed(choice)} change={onChoice} any={false} />
        </div>
      </header>
      <search className="filter-bar">
        <div className="line">
          <NameSearch label={texts.search} value={q} onChange={onSearch} />
          {phone && filters}
          {controls}
          {!phone && filters}
        </div>
      </search>
      {unknown.length > 0 && (
        <p className="notice" role="status">
          {common.history.unknown(unknown)}
          <button type="button" onClick={onForget}>
            {common.history.forget}
          </button>
        </p>
      )}
      <div className={`body ${list.stale && data ? 'stale' : ''}`} aria-busy={list.stale}>
        {list.error && <ErrorBox error={list.error} retry={list.again} />}
        {!data && !list.error && <p className="skeleton">{common.loading}</p>}
        {data?.rows.length === 0 && <Nothing texts={texts} narrowed={narrowed} onClear={onClear} />}
        {data && data.rows.length > 0 && children(data.rows)}
        {data?.more && (
          <p className="more">
            <span className="dim numbers">{common.listing.shown(data.rows.length, common.count(data.total))}</span>
            <button type="button" onClick={onMore}>
              {common.listing.more}
            </button>
          </p>
        )}
      </div>
    </>
  )
}

/** Whether a choice narrows a list by more than its time. */
export function isNarrowed(choice: Choice): boolean {
  return NARROW.some((field) => choice[field].length > 0)
}
