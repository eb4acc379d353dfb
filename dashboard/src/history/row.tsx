import { memo, type MouseEvent, useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import type { RunRow } from '../filter/documents'
import type { LiveList } from '../live/live-list'
import { RetryButton } from '../retry/retry-button'
import { texts } from '../texts'
import { Cell } from './cells'
import { type Column, isEnd } from './columns'
import { changedColumns, tint } from './tint'

export interface RowActions {
  open(id: string): void
  select(id: string, span: boolean): void
  /** Whether the cell of that name narrows by anything. */
  narrow(id: string, cell: string, exclude: boolean): boolean
  menu(id: string, anchor: HTMLElement): void
  retried(row: RunRow): void
}

interface Props {
  list: LiveList
  id: string
  index: number
  columns: readonly Column[]
  focused: boolean
  opened: boolean
  selected: boolean
  actions: RowActions
}

/** A run of the list. It renders again when its own run changes, and not when another one does. */
export const RunRowView = memo(function RunRowView({
  list, id, index, columns, focused, opened, selected, actions,
}: Props) {
  const subscribe = useCallback((listener: () => void) => list.subscribeRow(id, listener), [list, id])
  const row = useSyncExternalStore(subscribe, () => list.row(id))
  const gone = useSyncExternalStore(subscribe, () => list.gone.get(id))
  const element = useRef<HTMLDivElement>(null)
  const before = useRef(row)
  useEffect(() => {
    if (row && before.current && row !== before.current) tint(element.current, changedColumns(before.current, row, columns))
    before.current = row
  }, [row, columns])
  if (!row) return null
  const press = (event: MouseEvent): void => {
    const target = event.target as Element
    const cell = target.closest<HTMLElement>('[data-cell]')?.dataset.cell ?? ''
    if (event.altKey && actions.narrow(id, cell, event.shiftKey)) event.preventDefault()
    else if (!target.closest('a, button, label, .tooltip')) actions.open(id)
  }
  return (
    // The grid has the keys of its rows (roving focus).
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      ref={element}
      role="row"
      id={`row-${id}`}
      data-id={id}
      aria-rowindex={index + 2}
      aria-selected={selected}
      aria-current={opened || undefined}
      tabIndex={focused ? 0 : -1}
      className={`row ${row.status} ${gone ? 'gone' : ''}`}
      onClick={press}
    >
      <span role="gridcell" className="select">
        <label>
        <input
          type="checkbox"
          tabIndex={-1}
          checked={selected}
          aria-label={texts.history.select(row.workflowName)}
          onChange={() => {}}
          onClick={(event) => {
            event.stopPropagation()
            actions.select(id, event.shiftKey)
          }}
        />
        </label>
      </span>
      {columns.map((column) => (
        <span key={column} role="gridcell" className={`${column} ${isEnd(column) ? 'end' : ''}`} data-cell={column}>
          <Cell column={column} row={row} gone={gone} onOpen={actions.open} />
        </span>
      ))}
      <span role="gridcell" className="actions">
        {row.status === 'FAILURE' && !gone && <RetryButton run={row} compact onRetried={actions.retried} />}
        <button
          type="button"
          className="bare more"
          tabIndex={-1}
          aria-label={texts.history.menu.of(row.workflowName)}
          aria-haspopup="menu"
          onClick={(event) => actions.menu(id, event.currentTarget)}
        >
          ⋯
        </button>
      </span>
    </div>
  )
})
