import { type JSX, useCallback, useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import { errorTexts } from '../error-texts'
import { isNarrowed, WindowList } from '../window-list/page'
import { type Listed, usePages } from '../window-list/use-pages'
import { writeFigures } from '../metrics/figures'
import { NO_FILTER } from '../metrics/window-filters'
import { useZone } from '../parts/settings'
import type { Polled } from '../parts/use-polled'
import { useActing } from './acting'
import { ErrorGroups, type GroupEdge, type GroupState } from './documents'
import { ORDERS, parseShown, type Shown, STATES, writeShown } from './search'
import { Table } from './table'
import './errors.css'

/** What goes wrong, as groups of failures: what to look at first. */
export function ErrorsPage(): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const shown = useMemo(() => parseShown(search), [search])
  const { choice, order, states, q, unknown } = shown
  const [pages, setPages] = useState(1)
  const list = useGroups(shown, pages)
  const acting = useActing(choice, list.again)
  const show = useCallback(
    (next: Partial<Shown>, replace = false): void => {
      setPages(1)
      go(`/errors${writeShown({ ...parseShown(search), ...next })}`, { replace })
    },
    [go, search],
  )
  const onSearch = useCallback((text: string) => show({ q: text }, true), [show])
  const time = writeFigures({ ...choice, ...NO_FILTER }, 'failed')
  return (
    <div className="page window-page errors-page">
      <WindowList
        texts={errorTexts}
        list={list}
        choice={choice}
        q={q}
        unknown={unknown}
        narrowed={q !== '' || states.length > 0 || isNarrowed(choice)}
        onChoice={(part) => show({ choice: { ...choice, ...part } })}
        onSearch={onSearch}
        onForget={() => show({})}
        onClear={() => show({ choice: { ...choice, ...NO_FILTER }, states: [], q: '' })}
        onMore={() => setPages(pages + 1)}
        controls={<States chosen={states} onChange={(next) => show({ states: next })} />}
      >
        {(edges) => (
          <Table
            edges={edges}
            choice={choice}
            order={order}
            query={time.size ? `?${time}` : ''}
            acting={acting}
            onOrder={(by) => show({ order: by })}
          />
        )}
      </WindowList>
      {acting.dialog}
    </div>
  )
}

function useGroups(shown: Shown, pages: number): Polled<Listed<GroupEdge>> {
  const zone = useZone()
  const { choice, order, states, q } = shown
  return usePages(`${zone} ${writeShown(shown)}`, choice, pages, async (filter, after, signal) => {
    const asked = { filter, order: ORDERS[order], search: q || null, state: states.length ? states : null, after, zone }
    const { edges, ...page } = given((await ask(ErrorGroups, asked, { signal })).errorGroups)
    return { ...page, nodes: edges }
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
