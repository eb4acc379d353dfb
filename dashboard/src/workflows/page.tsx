import { type JSX, useCallback, useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import type { Choice } from '../filter/filter'
import { isNarrowed, WindowList } from '../window-list/page'
import { type Listed, usePages } from '../window-list/use-pages'
import { type Order, ORDERS, writeFigures } from '../metrics/figures'
import { NO_FILTER } from '../metrics/window-filters'
import { useZone } from '../parts/settings'
import type { Polled } from '../parts/use-polled'
import { workflowTexts } from '../workflow-texts'
import { WorkflowList, type WorkflowRow } from './documents'
import { parseShown, type Shown, writeShown } from './search'
import { Table } from './table'
import './workflows.css'

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
  const onSearch = useCallback((text: string) => show({ q: text }, true), [show])
  return (
    <div className="page window-page workflows-page">
      <WindowList
        texts={workflowTexts}
        list={list}
        choice={choice}
        q={q}
        unknown={unknown}
        narrowed={q !== '' || isNarrowed(choice)}
        onChoice={(part: Partial<Choice>) => show({ choice: { ...choice, ...part } })}
        onSearch={onSearch}
        onForget={() => show({})}
        onClear={() => show({ choice: { ...choice, ...NO_FILTER }, q: '' })}
        onMore={() => setPages(pages + 1)}
      >
        {(rows) => (
          <Table
            rows={rows}
            choice={choice}
            order={order}
            time={writeFigures({ ...choice, ...NO_FILTER }, 'failed')}
            onOrder={(by: Order) => show({ order: by })}
          />
        )}
      </WindowList>
    </div>
  )
}

function useWorkflows(shown: Shown, pages: number): Polled<Listed<WorkflowRow>> {
  const zone = useZone()
  const { choice, order, q } = shown
  return usePages(`${zone} ${writeShown(shown)}`, choice, pages, async (filter, after, signal) => {
    const asked = { filter, order: ORDERS[order], search: q || null, after, zone }
    return given((await ask(WorkflowList, asked, { signal })).workflowMetrics)
  })
}
