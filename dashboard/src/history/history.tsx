import { type JSX, lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { flushSync } from 'react-dom'
import { session } from '../api/session'
import { filterOf } from '../filter/api-filter'
import type { RunRow } from '../filter/documents'
import { isNewestFirst, NOTHING, writeChoice } from '../filter/filter'
import { offerPause } from '../frame/connection'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { copyAndSay, curlOf } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { useKeys } from '../parts/keys'
import { retryNow } from '../retry/retry-button'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { now, useApart } from '../time/clock'
import './history.css'
import { Empty } from './empty'
import { FilterBar } from './filter-bar'
import { Foot } from './foot'
import { Head } from './head'
import { Histogram } from './histogram'
import { enter, type Kept, leave, listOf } from './lists'
import { narrowedBy } from './narrow'
import { Pill } from './pill'
import type { RowActions } from './row'
import { RowMenu } from './row-menu'
import { RunTable, type TableHandle } from './table'
import { useChoice } from './use-choice'
import { useColumns } from './use-columns'
import { useFollow } from './use-follow'
import { useSelection } from './use-selection'
import { useSummary } from './use-summary'
import { useTitle } from './use-title'

// Nobody needs these for the first rows; they come while somebody reads those.
const sheet = (): Promise<typeof import('../execution/sheet')> => import('../execution/sheet')
const bulk = (): Promise<typeof import('../retry/bulk-retry')> => import('../retry/bulk-retry')
const ExecutionSheet = lazy(async () => ({ default: (await sheet()).ExecutionSheet }))
const ResolveDialog = lazy(async () => ({ default: (await import('../resolve/resolve-dialog')).ResolveDialog }))
const BulkRetry = lazy(async () => ({ default: (await bulk()).BulkRetry }))
const BulkResult = lazy(async () => ({ default: (await import('../retry/bulk-result')).BulkResult }))

/** The list of runs: the page that an administrator keeps open. */
export function History(): JSX.Element {
  const state = useChoice()
  const { choice, run, change, open } = state
  const key = writeChoice(choice).toString()
  const wrongBy = useApart()
  // oxlint-disable-next-line react/exhaustive-deps
  const kept = useMemo(() => listOf(choice), [key, wrongBy])
  const { list } = kept
  useSyncExternalStore(list.subscribe, () => list.version)
  // What was there stays until the answer is there.
  const before = useRef<{ kept: Kept; key: string } | null>(null)
  if (list.orderedAt !== null || !before.current) before.current = { kept, key }
  const shown = before.current
  const stale = shown.kept !== kept
  const seen = shown.kept.list
  const summary = useSummary(choice, list)
  const [columns, setColumns] = useColumns(state)
  const table = useRef<TableHandle>(null)
  const search = useRef<HTMLInputElement>(null)
  const [focusId, setFocusId] = useState<string | null>(null)
  const [retrying, setRetrying] = useState(false)
  const [resolving, setResolving] = useState(false)
  const mayResolve = useViewer()?.role === 'ADMIN'
  const [menu, setMenu] = useState<{ id: string; anchor: HTMLElement } | null>(null)
  const selection = useSelection(seen, key)
  const focus = Math.max(0, seen.ids.indexOf(focusId ?? ''))
  const total = summary.facets.data?.total ?? null

  useEffect(() => {
    enter(kept)
    return () => leave(kept)
  }, [kept])
  useEffect(() => {
    offerPause({
      paused: list.paused,
      held: list.heldCount,
      resyncedAt: list.resyncedAt,
      toggle: () => (list.paused ? list.resume() : list.pause()),
    })
    return () => offerPause(null)
  }, [list, list.paused, list.heldCount, list.resyncedAt])
  useTitle(summary, list)
  const place = useRef<HTMLDivElement>(null)
  useFollow(list, state.follow && isNewestFirst(choice), place, kept)
  const again = (): void => {
    void list.reveal()
    summary.retry()
  }
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const away = useSyncExternalStore(session.subscribe, session.isAway)
  useEffect(() => {
    if (!signedOut && !away && (list.error || summary.facets.error || summary.histogram.error)) again()
    // A sign-in, or a server that is back, asks again; after other errors somebody presses Try again.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [signedOut, away])
  const answered = list.orderedAt !== null
  useEffect(() => {
    if (answered) requestIdleCallback(() => void sheet())
  }, [answered])

  // The first runs of an empty list move nothing: they show by themselves.
  const first = answered && list.ids.length === 0 && list.waiting.size > 0 && list.loading === null
  useEffect(() => {
    if (first) void list.reveal()
  }, [first, list])

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
  const follow = (made: RunRow): void => {
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
  const focused = seen.row(seen.ids[focus] ?? '')
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
    r: () => inSight && void retryNow(inSight, run === null ? retried : follow),
    R: () => setRetrying(true),
    y: () => target !== undefined && void copyAndSay(target),
    Y: () => target !== undefined && void copyAndSay(curlOf(target)),
    c: () => void copyAndSay(location.href),
    p: () => (list.paused ? list.resume() : list.pause()),
    '.': () => void reveal(),
    f: () => document.querySelector<HTMLElement>('#add-filter, .open-filters')?.click(),
    '/': () => search.current?.focus(),
    Escape: () => {
      if (run !== null) closeSheet()
      else if (choice.q) change({ q: '' }, true)
      else if (selection.size) selection.clear()
      else return false
    },
  })

  const menuRow = menu && seen.row(menu.id)
  return (
    <div className={`history ${run === null ? '' : 'with-sheet'}`}>
      <section className="list">
        <Head state={state} columns={columns} onColumns={setColumns} />
        {state.unknown.length > 0 && (
          <p className="notice" role="status">
            {texts.history.unknown(state.unknown)}
            <button type="button" onClick={state.forget}>
              {texts.history.forget}
            </button>
          </p>
        )}
        {choice.retry !== null && (
          <Suspense>
            <BulkResult id={choice.retry} onMade={() => void list.reveal()} onClose={() => change({ retry: null })} />
          </Suspense>
        )}
        <FilterBar
          choice={choice}
          change={change}
          facets={summary.facets}
          searchRef={search}
          onOpen={(id) => open(id, false, { q: '' })}
          total={total}
        />
        {summary.histogram.error && !summary.histogram.data && !list.error ? (
          <ErrorBox error={summary.histogram.error} retry={summary.retry} />
        ) : (
          <Histogram
            data={summary.histogram.data}
            narrowed={choice.from !== null || choice.to !== null || choice.range !== null}
            onPick={(from, to) => change({ from, to, range: null })}
            onWiden={() => change({ from: null, to: null, range: null })}
          />
        )}
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
          {answered && !list.loading && !list.error && list.ids.length === 0 && <Empty choice={choice} change={change} list={list} />}
        </div>
        <Foot list={list} total={total} selection={selection} choice={choice} onRetry={() => setRetrying(true)} onResolve={mayResolve ? () => setResolving(true) : null} />
      </section>
      <Suspense>
        {run !== null && (
          <ExecutionSheet
            id={run}
            onClose={closeSheet}
            onOpen={(id) => open(id)}
            onStep={(by) => void moveTo(seen.ids.indexOf(run) + by)}
            onRetried={follow}
          />
        )}
        {resolving && (
          <ResolveDialog
            ids={selection.size && !selection.all ? [...selection.ids] : null}
            filter={filterOf(choice, now())}
            onClose={() => setResolving(false)}
          />
        )}
        {retrying && (
          <BulkRetry
            ids={selection.size && !selection.all ? [...selection.ids] : null}
            choice={choice}
            onClose={() => setRetrying(false)}
            onStart={(id) => {
              setRetrying(false)
              selection.clear()
              change({ ...NOTHING, retry: id })
            }}
          />
        )}
      </Suspense>
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
