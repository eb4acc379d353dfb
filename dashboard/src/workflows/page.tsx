import { type JSX, useCallback, useEffect, useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import type { ResultOf, VariablesOf } from '../api/graphql'
import type { Choice } from '../filter/filter'
import { NameSearch } from '../frame/name-search'
import { AddFilter } from '../history/add-filter'
import { Chips } from '../history/chips'
import { TimeFilter } from '../history/time-filter'
import { metricsFilter, type Order, ORDERS, timed, windowOf } from '../metrics/figures'
import { idsOf } from '../metrics/use-figures'
import { ErrorBox } from '../parts/error-box'
import { Nothing } from '../parts/nothing'
import { useZone } from '../parts/settings'
import { type Polled, usePolled } from '../parts/use-polled'
import { texts } from '../texts'
import { workflowTexts } from '../workflow-texts'
import { WorkflowList, type WorkflowRow } from './documents'
import { parseShown, type Shown, writeShown } from './search'
import { Table } from './table'
import '../style/listing.css'
import '../metrics/metrics.css'
import './workflows.css'

const NARROW = ['workflow', 'engine', 'trigger'] as const
const NO_FILTER = { workflow: [], engine: [], trigger: [] } satisfies Partial<Choice>

interface Listed {
  rows: WorkflowRow[]
  total: number
}

/** Every workflow: how it does in a time, what it did last, and whether it is overdue. */
export function WorkflowsPage(): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const shown = useMemo(() => parseShown(search), [search])
  const { choice, order, q, unknown } = shown
  const [pages, setPages] = useState(1)
  const list = useWorkflows(shown, pages)
  const show = useCallback(
    (next: Partial<Shown>, replace = false): void => {
      setPages(1)
      go(`/workflows${writeShown({ ...parseShown(search), ...next })}`, { replace })
    },
    [go, search],
  )
  const change = (part: Partial<Choice>): void => show({ choice: { ...choice, ...part } })
  const onSearch = useCallback((text: string) => show({ q: text }, true), [show])
  useEffect(() => {
    document.title = `${workflowTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="workflows-page">
      <header className="page-head">
        <h1>{workflowTexts.title}</h1>
        {list.data && <span className="dim numbers">{workflowTexts.count(texts.number(list.data.total))}</span>}
        <div className="end">
          <TimeFilter choice={timed(choice)} change={change} any={false} />
        </div>
      </header>
      <search className="filter-bar">
        <div className="line">
          <NameSearch label={workflowTexts.search} value={q} onChange={onSearch} />
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
        {list.data && list.data.rows.length === 0 && (
          <Nothing texts={workflowTexts} narrowed={search !== ''} onClear={() => show({ choice: { ...choice, ...NO_FILTER }, q: '' })} />
        )}
        {list.data && list.data.rows.length > 0 && (
          <>
            <Table rows={list.data.rows} choice={choice} order={order} onOrder={(by: Order) => show({ order: by })} />
            {list.data.rows.length < list.data.total && (
              <p className="more">
                <span className="dim numbers">{workflowTexts.shown(list.data.rows.length, list.data.total)}</span>
                <button type="button" onClick={() => setPages(pages + 1)}>
                  {workflowTexts.more}
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
function useWorkflows(shown: Shown, pages: number): Polled<Listed> {
  const zone = useZone()
  const { choice, order, q } = shown
  return usePolled(`${zone} ${pages} ${writeShown(shown)}`, async (signal, at) => {
    const ids = choice.workflow.length ? await idsOf(choice.workflow, signal) : null
    const filter = metricsFilter(choice, windowOf(choice, at), ids)
    const rows: WorkflowRow[] = []
    let [after, total, left]: [string | null, number, number] = [null, 0, pages]
    do {
      const variables: VariablesOf<typeof WorkflowList> = { filter, order: ORDERS[order], search: q || null, after, zone }
      const { workflowMetrics }: ResultOf<typeof WorkflowList> = await ask(WorkflowList, variables, { signal })
      const page = given(workflowMetrics)
      rows.push(...page.nodes)
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
      total = page.totalCount.value
      left -= 1
    } while (left > 0 && after !== null)
    return { rows, total }
  })
}
