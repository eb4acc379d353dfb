import { type JSX, type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { filterOf } from '../filter/api-filter'
import type { RunRow } from '../filter/documents'
import { type Choice, isNewestFirst, NOTHING } from '../filter/filter'
import { useViewer } from '../frame/viewer'
import type { Count } from '../counts'
import { toast } from '../parts/announce'
import { copyAndSay, curlOf } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { useKeys } from '../parts/keys'
import { soon } from '../parts/soon'
import { retryNow } from '../retry/retry-button'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { now } from '../time/clock'
import './history.css'
import type { Column } from './columns'
import { Foot } from './foot'
import { narrowedBy } from './narrow'
import { Pill } from './pill'
import type { RowActions } from './row'
import { RowMenu } from './row-menu'
import { RunTable, type TableHandle } from './table'
import { useFollow } from './use-follow'
import type { Listed } from './use-list'
import { useSelection } from './use-selection'

// Nobody needs these for the first rows; they come while somebody reads those.
const sheet = (): Promise<typeof import('../execution/sheet')> => import('../execution/sheet')
const bulk = (): Promise<typeof import('../retry/bulk-retry')> => import('../retry/bulk-retry')
const ExecutionSheet = soon(async () => (await sheet()).ExecutionSheet)
const ResolveDialog = soon(async () => (await import('../resolve/resolve-dialog')).ResolveDialog)
const BulkRetry = soon(async () => (await bulk()).BulkRetry)

interface Props {
  listed: Listed
  choice: Choice
  /** Narrow or sort otherwise. */
  change: (part: Partial<Choice>, replace?: boolean) => void
  /** The run that is open beside the list. */
  run: string | null
  open: (run: string | null, replace?: boolean) => void
  columns: readonly Column[]
  /** How many match. */
  total: Count | null
  /** Whether newcomers show by themselves. */
  follow: boolean
  /** Ask again for what failed. */
  again: () => void
  /** What stands where there is no run. */
  empty: ReactNode
  /** Above the rows. */
  children: ReactNode
}

/** Runs as rows that take keys, with what can be done with one, and with those that are selected. */
export function Runs({ listed, choice, change, run, open, columns, total, follow, again, empty, children }: Props): JSX.Element {
  const { list, key, shown, stale } = listed
  const seen = shown.kept.list
  const table = useRef<TableHandle>(null)
  const [focusId, setFocusId] = useState<string | null>(null)
  const [asking, setAsking] = useState<'retry' | 'resolve' | null>(null)
  const mayResolve = useViewer()?.role === 'ADMIN'
  const [menu, setMenu] = useState<{ id: string; anchor: HTMLElement } | null>(null)
  const selection = useSelection(seen, key)
  const focus = Math.max(0, seen.ids.indexOf(focusId ?? ''))
  const focused = seen.row(seen.ids[focus] ?? '')
  const answered = list.orderedAt !== null
  useEffect(() => {
    if (answered) requestIdleCallback(() => void sheet().catch(() => null)) // offline: whoever opens a run asks again
  }, [answered])
  const place = useRef<HTMLDivElement>(null)
  useFollow(list, follow && isNewestFirst(choice), place, shown.kept)

  /** The focus goes to a row; what is open beside the list goes along, unless it is to `stay`. */
  const moveTo = (index: number, stay = false): string | undefined => {
    const to = Math.max(0, Math.min(seen.ids.length - 1, index))
    const id = seen.ids[to]
    if (id === undefined) return
    table.current?.show(to)
    // At once: the next key is that of the row, however soon it comes.
    flushSync(() => setFocusId(id))
    table.current?.focusRow(id)
    if (run !== null && !stay) open(id, true)
    return id
  }
  // The focus goes back in the same key press: the next key is the list's, however soon it comes.
  const closeSheet = (): void => {
    const back = run !== null && seen.row(run) ? run : focused?.id
    flushSync(() => {
      open(null)
      if (back !== undefined) setFocusId(back)
    })
    if (back !== undefined) table.current?.focusRow(back)
  }
  const extend = (by: 1 | -1): void => {
    const from = seen.ids[focus]
    const to = moveTo(focus + by)
    if (from !== undefined && to !== undefined) selection.extend(from, to)
  }
  const reveal = async (): Promise<void> => {
    await list.reveal()
    table.current?.toTop()
    moveTo(0, true)
  }
  const retried = useCallback(
    (made: RunRow) => {
      list.insert(made)
      toast(texts.retry.queued(made.attempt), { href: hrefs.execution(made.id), text: texts.retry.see })
    },
    [list],
  )
  const goAlong = (made: RunRow): void => {
    retried(made)
    open(made.id)
  }
  const latest = useRef<RowActions>(null!)
  latest.current = {
    open: (id) => open(id),
    select: selection.toggle,
    narrow: (id, cell, exclude) => {
      const row = seen.row(id)
      const part = row ? narrowedBy(choice, row, cell, exclude) : null
      if (part) change(part)
      return part !== null
    },
    menu: (id, anchor) => setMenu({ id, anchor }),
    retried,
  }
  // Stable: a new object would render every row again at each frame of scrolling.
  const [actions] = useState<RowActions>(() => ({
    open: (id) => latest.current.open(id),
    select: (id, span) => latest.current.select(id, span),
    narrow: (id, cell, exclude) => latest.current.narrow(id, cell, exclude),
    menu: (id, anchor) => latest.current.menu(id, anchor),
    retried: (row) => latest.current.retried(row),
  }))
  const inSight = (run === null ? undefined : seen.row(run)) ?? focused
  const target = run ?? focused?.id
  useKeys({
    j: () => void moveTo(focus + 1),
    k: () => void moveTo(focus - 1),
    'Shift ArrowDown': () => extend(1),
    'Shift ArrowUp': () => extend(-1),
    Enter: () => {
      if (!focused || !(document.activeElement?.matches('[role=row], body') ?? true)) return false
      open(focused.id)
    },
    o: () => target !== undefined && location.assign(hrefs.execution(target)),
    m: () => {
      const anchor = focused && document.querySelector<HTMLElement>(`#row-${CSS.escape(focused.id)} .more`)
      if (anchor) setMenu({ id: focused.id, anchor })
    },
    'Ctrl a': () => (document.activeElement?.matches('[role=row], [role=grid]') ? selection.widen() : false),
    x: () => focused && selection.toggle(focused.id, false),
    r: () => inSight && void retryNow(inSight, run === null ? retried : goAlong),
    R: () => setAsking('retry'),
    y: () => target !== undefined && void copyAndSay(target),
    Y: () => target !== undefined && void copyAndSay(curlOf(target)),
    p: () => (list.paused ? list.resume() : list.pause()),
    '.': () => void reveal(),
    Escape: () => {
      if (run !== null) closeSheet()
      else if (choice.q) change({ q: '' }, true)
      else if (selection.size) selection.clear()
      else return false
    },
  })

  const chosen = selection.size && !selection.all ? [...selection.ids] : null
  const menuRow = menu && seen.row(menu.id)
  return (
    <div className={`history ${run === null ? '' : 'with-sheet'}`}>
      <section className="list">
        {children}
        <div className="table" ref={place}>
          {(stale || list.loading === 'refresh') && <div className="progress" role="presentation" />}
          {list.error && <ErrorBox error={list.error} retry={again} />}
          <Pill list={list} newestFirst={isNewestFirst(choice)} onPress={() => void reveal()} />
          <RunTable
            key={shown.key}
            ref={table}
            list={seen}
            place={shown.kept}
            stale={stale}
            choice={choice}
            columns={columns}
            onSort={(sort) => change({ sort })}
            focus={focus}
            onFocus={(index) => setFocusId(seen.ids[index] ?? null)}
            onMove={moveTo}
            opened={run}
            selection={selection.ids}
            onSelectAll={selection.toggleLoaded}
            actions={actions}
          />
          {answered && !list.loading && !list.error && list.ids.length === 0 && empty}
        </div>
        <Foot
          list={list}
          total={total}
          selection={selection}
          choice={choice}
          columns={columns}
          onRetry={() => setAsking('retry')}
          onResolve={mayResolve ? () => setAsking('resolve') : null}
        />
      </section>
      {run !== null && (
        <ExecutionSheet
          id={run}
          onClose={closeSheet}
          onOpen={(id) => open(id)}
          onStep={(by) => void moveTo(seen.ids.indexOf(run) + by)}
          onRetried={goAlong}
        />
      )}
      {asking === 'resolve' && <ResolveDialog ids={chosen} filter={filterOf(choice, now())} onClose={() => setAsking(null)} />}
      {asking === 'retry' && (
        <BulkRetry
          ids={chosen}
          choice={choice}
          onClose={() => setAsking(null)}
          onStart={(id) => {
            setAsking(null)
            selection.clear()
            change({ ...NOTHING, retry: id })
          }}
        />
      )}
      {menu && menuRow && (
        <RowMenu
          key={menu.id}
          row={menuRow}
          anchor={menu.anchor}
          choice={choice}
          change={change}
          onOpen={() => open(menu.id)}
          onRetried={retried}
          onClose={() => setMenu(null)}
        />
      )}
    </div>
  )
}
