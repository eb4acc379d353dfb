import { type JSX, useCallback, useEffect, useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import type { ResultOf, VariablesOf } from '../api/graphql'
import type { Count } from '../counts'
import { errorTexts } from '../error-texts'
import type { Choice } from '../filter/filter'
import { NameSearch } from '../frame/name-search'
import { AddFilter } from '../history/add-filter'
import { Chips } from '../history/chips'
import { TimeFilter } from '../history/time-filter'
import { metricsFilter, timed, windowOf, writeFigures } from '../metrics/figures'
import { idsOf } from '../metrics/use-figures'
import { ErrorBox } from '../parts/error-box'
import { Nothing } from '../parts/nothing'
import { useZone } from '../parts/settings'
import { type Polled, usePolled } from '../parts/use-polled'
import { texts } from '../texts'
import { clockTime } from '../time/time'
import { ErrorGroups, type GroupEdge, type GroupState } from './documents'
import { ORDERS, parseShown, type Shown, STATES, writeShown } from './search'
import { Table } from './table'
import '../style/listing.css'
import '../metrics/metrics.css'
import './errors.css'

const NARROW = ['workflow', 'engine', 'trigger'] as const
const NO_FILTER = { workflow: [], engine: [], trigger: [] } satisfies Partial<Choice>

interface Listed {
  edges: GroupEdge[]
  total: Count
  more: boolean
}

/** What goes wrong, as groups of failures: what to look at first. */
export function ErrorsPage(): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const zone = useZone()
  const shown = useMemo(() => parseShown(search), [search])
  const { choice, order, states, q, unknown } = shown
  const [pages, setPages] = useState(1)
  const list = useGroups(shown, pages)
  const show = useCallback(
    (next: Partial<Shown>, replace = false): void => {
      setPages(1)
      go(`/errors${writeShown({ ...parseShown(search), ...next })}`, { replace })
    },
    [go, search],
  )
  const change = (part: Partial<Choice>): void => show({ choice: { ...choice, ...part } })
  const onSearch = useCallback((text: string) => show({ q: text }, true), [show])
  const time = writeFigures({ ...choice, ...NO_FILTER }, 'failed')
  useEffect(() => {
    document.title = `${errorTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="errors-page">
      <header className="page-head">
        <h1>{errorTexts.title}</h1>
        {list.data && <span className="dim numbers">{errorTexts.count(texts.count(list.data.total))}</span>}
        <div className="end">
          {list.asOf !== null && <span className="dim numbers as-of">{errorTexts.asOf(clockTime(list.asOf, zone).slice(0, 8))}</span>}
          <TimeFilter choice={timed(choice)} change={change} any={false} />
        </div>
      </header>
      <search className="filter-bar">
        <div className="line">
          <NameSearch label={errorTexts.search} value={q} onChange={onSearch} />
          <States chosen={states} onChange={(next) => show({ states: next })} />
          <AddFilter choice={timed(choice)} change={change} fields={NARROW} exclude={false} />
          <Chips choice={{ ...choice, range: null, from: null, to: null }} change={change} clear={NO_FILTER} />
        </div>
      </search>
      {unknown.length > 0 && (
        <p className="notice" role="status">
          {texts.history.unknown(unknown)}
          <button type="button" onClick={() => show({})}>
            {texts.history.forget}
          </button>
        </p>
      )}
      <div className={`body ${list.stale && list.data ? 'stale' : ''}`} aria-busy={list.stale}>
        {list.error && <ErrorBox error={list.error} retry={list.again} />}
        {!list.data && !list.error && <p className="skeleton">{texts.loading}</p>}
        {list.data && list.data.edges.length === 0 && (
          <Nothing
            texts={errorTexts}
            narrowed={q !== '' || states.length > 0 || NARROW.some((field) => choice[field].length > 0)}
            onClear={() => show({ choice: { ...choice, ...NO_FILTER }, states: [], q: '' })}
          />
        )}
        {list.data && list.data.edges.length > 0 && (
          <>
            <Table edges={list.data.edges} choice={choice} order={order} query={time.size ? `?${time}` : ''} onOrder={(by) => show({ order: by })} />
            {list.data.more && (
              <p className="more">
                <span className="dim numbers">{errorTexts.shown(list.data.edges.length, texts.count(list.data.total))}</span>
                <button type="button" onClick={() => setPages(pages + 1)}>
                  {errorTexts.showMore}
                </button>
              </p>
            )}
          </>
        )}
      </div>
    </div>
  )
}

/** The first pages of the list, again and again. */
function useGroups(shown: Shown, pages: number): Polled<Listed> {
  const zone = useZone()
  const { choice, order, states, q } = shown
  return usePolled(`${zone} ${pages} ${writeShown(shown)}`, async (signal, at) => {
    const ids = choice.workflow.length ? await idsOf(choice.workflow, signal) : null
    const filter = metricsFilter(choice, windowOf(choice, at), ids)
    const edges: GroupEdge[] = []
    let [after, left]: [string | null, number] = [null, pages]
    for (;;) {
      const variables: VariablesOf<typeof ErrorGroups> = {
        filter, order: ORDERS[order], search: q || null, state: states.length ? states : null, after, zone,
      }
      const { errorGroups }: ResultOf<typeof ErrorGroups> = await ask(ErrorGroups, variables, { signal })
      const page = given(errorGroups)
      edges.push(...page.edges)
      after = page.pageInfo.endCursor
      left -= 1
      if (left === 0 || !page.pageInfo.hasNextPage) return { edges, total: page.totalCount, more: page.pageInfo.hasNextPage }
    }
  })
}

function States({ chosen, onChange }: { chosen: readonly GroupState[]; onChange: (states: GroupState[]) => void }): JSX.Element {
  return (
    <div className="states" role="group" aria-label={errorTexts.states}>
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen.includes(state)}
          title={errorTexts.stateHint[state]}
          onClick={() => onChange(chosen.includes(state) ? chosen.filter((each) => each !== state) : [...chosen, state])}
        >
          {errorTexts.state[state]}
        </button>
      ))}
    </div>
  )
}
