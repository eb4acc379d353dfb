import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef, useSyncExternalStore } from 'react'
import type { Choice, SortField } from '../filter/filter'
import type { LiveList } from '../live/live-list'
import { useRowLayout } from '../parts/row-height'
import { texts } from '../texts'
import { RunRowView, type RowActions } from './row'

const OVERSCAN = 8
/** The next page is asked for when the last rows come this near. */
const AHEAD = 20
const COLUMNS: { name: string; sort: SortField | null }[] = [
  { name: 'status', sort: 'status' },
  { name: 'workflow', sort: 'workflow' },
  { name: 'happened', sort: null },
  { name: 'trigger', sort: null },
  { name: 'queued', sort: 'queued' },
  { name: 'duration', sort: 'duration' },
]

export interface TableHandle {
  scrollTop(): number
  toTop(): void
  show(index: number): void
  focusRow(id: string): void
}

interface Props {
  list: LiveList
  choice: Choice
  onSort: (sort: Choice['sort']) => void
  focus: number
  onFocus: (index: number) => void
  opened: string | null
  selection: ReadonlySet<string>
  onSelectAll: () => void
  actions: RowActions
  startTop: number
  ref: Ref<TableHandle>
}

/** The list as a grid: any number of rows, a screenful of them in the document. */
export function RunTable({
  list, choice, onSort, focus, onFocus, opened, selection, onSelectAll, actions, startTop, ref,
}: Props): JSX.Element {
  useSyncExternalStore(list.subscribe, () => list.version)
  const scroller = useRef<HTMLDivElement>(null)
  const { height, twoLines } = useRowLayout(opened !== null)
  const { ids } = list
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: OVERSCAN,
    getItemKey: (index) => ids[index]!,
    initialOffset: startTop,
    // The row that has the focus stays in the document, wherever one scrolls.
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan)
      const to = Math.min(count - 1, endIndex + overscan)
      const shown = Array.from({ length: Math.max(0, to - from + 1) }, (_, offset) => from + offset)
      return focus >= 0 && focus < count && (focus < from || focus > to) ? [...shown, focus].toSorted((a, b) => a - b) : shown
    },
  })
  useEffect(() => virtual.measure(), [height, virtual])
  useImperativeHandle(ref, () => ({
    scrollTop: () => scroller.current?.scrollTop ?? 0,
    toTop: () => scroller.current?.scrollTo({ top: 0 }),
    show: (index) => virtual.scrollToIndex(index, { align: 'auto' }),
    focusRow: (id) => document.getElementById(`row-${id}`)?.focus({ preventScroll: true }),
  }))
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= ids.length - AHEAD) void list.next()
  }, [last, ids.length, list])

  const press = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -ids.length, End: ids.length }[event.key]
    if (step === undefined || (event.target as Element).matches('input')) return
    event.preventDefault()
    onFocus(Math.max(0, Math.min(ids.length - 1, focus + step)))
  }
  const all = ids.length > 0 && ids.every((id) => selection.has(id))
  return (
    <div
      role="grid"
      className={`grid ${twoLines ? 'two-lines' : ''}`}
      aria-label={texts.history.grid}
      aria-rowcount={list.hasNext ? -1 : ids.length + 1}
      aria-busy={list.loading !== null}
      tabIndex={-1}
      onKeyDown={press}
      onFocus={(event) => {
        const index = Number((event.target as Element).closest('[aria-rowindex]')?.ariaRowIndex ?? 0) - 2
        if (index >= 0 && index !== focus) onFocus(index)
      }}
    >
      <div role="rowgroup">
        <div role="row" className="row head" aria-rowindex={1}>
          <span role="columnheader" className="select">
            <input type="checkbox" checked={all} aria-label={texts.history.selectAll} onChange={onSelectAll} />
          </span>
          {COLUMNS.map(({ name, sort }) => (
            <Header key={name} name={name} field={sort} sort={choice.sort} onSort={onSort} />
          ))}
          <span role="columnheader" className="actions">
            <span className="visually-hidden">{texts.history.columns.actions}</span>
          </span>
        </div>
      </div>
      <div role="rowgroup" className="rows" ref={scroller} tabIndex={ids.length ? -1 : 0}>
        <div role="presentation" className="space" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => (
            <div role="presentation" key={item.key} className="slot" style={{ transform: `translateY(${item.start}px)` }}>
              <RunRowView
                list={list}
                id={ids[item.index]!}
                index={item.index}
                focused={item.index === focus}
                opened={ids[item.index] === opened}
                selected={selection.has(ids[item.index]!)}
                actions={actions}
              />
            </div>
          ))}
        </div>
        {list.loading === 'first' && <Skeleton />}
      </div>
    </div>
  )
}

function Header({
  name,
  field,
  sort,
  onSort,
}: {
  name: string
  field: SortField | null
  sort: Choice['sort']
  onSort: (sort: Choice['sort']) => void
}): JSX.Element {
  const label = texts.history.columns[name as keyof typeof texts.history.columns]
  if (field === null) {
    return (
      <span role="columnheader" className={name}>
        {label}
      </span>
    )
  }
  const sorted = sort.field === field
  return (
    <span
      role="columnheader"
      className={name}
      aria-sort={sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        className="sort"
        onClick={() => onSort({ field, descending: sorted ? !sort.descending : field !== 'workflow' })}
      >
        {label} <span aria-hidden="true">{sorted ? (sort.descending ? '↓' : '↑') : ''}</span>
      </button>
    </span>
  )
}

function Skeleton(): JSX.Element {
  return (
    <div className="skeletons" aria-hidden="true">
      {Array.from({ length: 12 }, (_, index) => (
        <p key={index}>
          <span className="skeleton" style={{ width: `${[88, 64, 76, 52][index % 4]}%` }}>
            .
          </span>
        </p>
      ))}
    </div>
  )
}
