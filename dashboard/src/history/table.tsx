import { elementScroll, type Rect, useVirtualizer, type Virtualizer } from '@tanstack/react-virtual'
import {
  type JSX, type KeyboardEvent, type Ref, startTransition, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState,
  useSyncExternalStore,
} from 'react'
import { flushSync } from 'react-dom'
import type { Choice, SortField } from '../filter/filter'
import type { LiveList } from '../live/live-list'
import { useRowLayout } from '../parts/row-height'
import { texts } from '../texts'
import { type Column, COLUMNS, fitting, isEnd, tracks, TWO_LINES_BELOW } from './columns'
import { RunRowView, type RowActions } from './row'

/** Rows beyond those in sight, above and below; the first picture does without. */
const OVERSCAN = 8
/** About what is above and below the grid in a window, and the least of it that may be left; px. */
const AROUND_GRID = 230
const MIN_HEIGHT = 200
/** The next page is asked for when the last rows come this near. */
const AHEAD = 20
/** The height of the row of headers, which stays in view, as history.css has it; px. */
const HEAD = 30
/** From which width of the window on the rail beside it takes how much, as frame.css has it; px. */
const RAILS = [[1100, 169], [768, 57], [0, 0]] as const
const TWO_LINES: readonly Column[] = ['status', 'workflow', 'happened', 'queued', 'duration']

export interface TableHandle {
  toTop(): void
  show(index: number): void
  focusRow(id: string): void
}

interface Props {
  list: LiveList
  choice: Choice
  columns: readonly Column[]
  onSort: (sort: Choice['sort']) => void
  focus: number
  onFocus: (index: number) => void
  /** The focus goes to another row. */
  onMove: (index: number) => void
  opened: string | null
  selection: ReadonlySet<string>
  onSelectAll: () => void
  actions: RowActions
  /** Where it was scrolled to, and where it is. */
  place: { top: number }
  /** Whether newer rows are on their way. */
  stale: boolean
  ref: Ref<TableHandle>
}

/** The list as a grid: any number of rows, a screenful of them in the document. */
export function RunTable({
  list, choice, columns, onSort, focus, onFocus, onMove, opened, selection, onSelectAll, actions, place, stale, ref,
}: Props): JSX.Element {
  useSyncExternalStore(list.subscribe, () => list.version)
  const scroller = useRef<HTMLDivElement>(null)
  const width = useWidth(scroller)
  const { height, twoLines } = useRowLayout(width < TWO_LINES_BELOW)
  const fits = useMemo(() => (twoLines ? TWO_LINES : fitting(columns, width)), [columns, width, twoLines])
  // The same columns are the same object: another one would render every row again.
  // oxlint-disable-next-line react/exhaustive-deps
  const shown = useMemo(() => fits, [fits.join()])
  const { ids } = list
  const [overscan, setOverscan] = useState(0)
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan,
    // Before the first measure: what a window has room for, so that the first picture has rows.
    initialRect: { width: innerWidth, height: Math.max(MIN_HEIGHT, innerHeight - AROUND_GRID) },
    scrollMargin: HEAD,
    scrollPaddingStart: HEAD,
    getItemKey: (index) => ids[index]!,
    initialOffset: place.top,
    observeElementRect,
    scrollToFn: (offset, options, instance) => {
      if (offset + (options.adjustments ?? 0) > 0 || place.top > 0) elementScroll(offset, options, instance)
    },
    // The row that has the focus stays in the document, wherever one scrolls.
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan)
      const to = Math.min(count - 1, endIndex + overscan)
      const range = Array.from({ length: Math.max(0, to - from + 1) }, (_, offset) => from + offset)
      return focus >= 0 && focus < count && (focus < from || focus > to) ? [...range, focus].toSorted((a, b) => a - b) : range
    },
  })
  useEffect(() => virtual.measure(), [height, virtual])
  useEffect(() => startTransition(() => setOverscan(OVERSCAN)), [])
  useImperativeHandle(ref, () => ({
    toTop: () => scroller.current?.scrollTo({ top: 0 }),
    show: (index) => virtual.scrollToIndex(index, { align: 'auto' }),
    focusRow: (id) => document.getElementById(`row-${id}`)?.focus({ preventScroll: true }),
  }))
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (!stale && last >= ids.length - AHEAD) void list.next()
  }, [last, ids.length, list, stale])

  const press = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -ids.length, End: ids.length }[event.key]
    if (step === undefined || event.shiftKey || event.altKey || !(event.target as Element).matches('[role=row], [role=grid]')) return
    event.preventDefault()
    onMove(focus + step)
  }
  const all = ids.length > 0 && ids.every((id) => selection.has(id))
  return (
    <div
      ref={scroller}
      role="grid"
      className={`grid rows ${twoLines ? 'two-lines' : ''} ${stale ? 'stale' : ''}`}
      style={{ '--row': `${height}px`, '--tracks': tracks(shown) } as React.CSSProperties}
      aria-label={texts.history.grid}
      aria-rowcount={list.hasNext ? -1 : ids.length + 1}
      aria-busy={stale || list.loading !== null}
      tabIndex={ids.length ? -1 : 0}
      onKeyDown={press}
      onScroll={(event) => {
        place.top = event.currentTarget.scrollTop
      }}
      onFocus={(event) => {
        const index = Number((event.target as Element).closest('[aria-rowindex]')?.ariaRowIndex ?? 0) - 2
        if (index >= 0 && index !== focus) onFocus(index)
      }}
    >
      <div role="rowgroup" className="heads">
        <div role="row" className="row head" aria-rowindex={1}>
          <span role="columnheader" className="select">
            <label>
              <input type="checkbox" checked={all} aria-label={texts.history.selectAll} onChange={onSelectAll} />
            </label>
          </span>
          {shown.map((column) => (
            <Header key={column} column={column} sort={choice.sort} onSort={twoLines && COLUMNS[column].sort !== choice.sort.field ? null : onSort} />
          ))}
          <span role="columnheader" className="actions">
            <span className="visually-hidden">{texts.history.columns.actions}</span>
          </span>
        </div>
      </div>
      <div role="rowgroup" className="space" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => (
          <div role="presentation" key={item.key} className="slot" style={{ transform: `translateY(${item.start - HEAD}px)` }}>
            <RunRowView
              list={list}
              id={ids[item.index]!}
              index={item.index}
              columns={shown}
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
  )
}

/** Tell its size once it is laid out, and not before: the virtualiser's own way is to ask for it at once. */
function observeElementRect({ scrollElement }: Virtualizer<HTMLDivElement, Element>, tell: (rect: Rect) => void): () => void {
  const observer = new ResizeObserver(() => scrollElement && tell({ width: scrollElement.clientWidth, height: scrollElement.clientHeight }))
  if (scrollElement) observer.observe(scrollElement)
  return () => observer.disconnect()
}

/** The width of an element, in px: before the first measure a guess. */
function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(() => innerWidth - RAILS.find(([from]) => innerWidth > from)![1])
  useLayoutEffect(() => {
    const { current } = element
    if (!current) return
    // It is called before the next paint: asked for its width here and now, the browser would lay out all of it first.
    const observer = new ResizeObserver(() => flushSync(() => setWidth(current.clientWidth)))
    observer.observe(current)
    return () => observer.disconnect()
  }, [element])
  return width
}

function Header({
  column,
  sort,
  onSort,
}: {
  column: Column
  sort: Choice['sort']
  /** Null where the header is only heard, as that of two lines is: what cannot be seen takes no focus. */
  onSort: ((sort: Choice['sort']) => void) | null
}): JSX.Element {
  const label = texts.history.columns[column]
  const field: SortField | null = COLUMNS[column].sort
  const className = `${column} ${isEnd(column) ? 'end' : ''}`
  if (field === null) {
    return (
      <span role="columnheader" className={`${className} unsorted`}>
        {label}
      </span>
    )
  }
  const sorted = sort.field === field
  const ordered = sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'
  if (onSort === null) {
    return (
      <span role="columnheader" className={`${className} heard`} aria-sort={ordered}>
        {label}
      </span>
    )
  }
  return (
    <span
      role="columnheader"
      className={className}
      aria-sort={ordered}
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
