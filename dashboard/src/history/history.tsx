import { type JSX, type MouseEvent, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { session } from '../api/session'
import type { RunRow } from '../filter/documents'
import { type Choice, exactly, isNarrowed, NOTHING, writeChoice } from '../filter/filter'
import { ExecutionSheet } from '../execution/sheet'
import { offerPause } from '../frame/connection'
import { announce, toast } from '../parts/announce'
import { CopyButton, writeClipboard } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { useKeys } from '../parts/keys'
import { Menu, MenuItem } from '../parts/menu'
import { BulkResult } from '../retry/bulk-result'
import { BulkRetry } from '../retry/bulk-retry'
import { retryNow } from '../retry/retry-button'
import { hrefs } from '../routes'
import { type Count, texts } from '../texts'
import { now } from '../time/clock'
import './history.css'
import { Empty } from './empty'
import { FilterBar } from './filter-bar'
import { Histogram } from './histogram'
import { leave, listOf } from './lists'
import { narrowedBy } from './narrow'
import type { RowActions } from './row'
import { RunTable, type TableHandle } from './table'
import { useChoice } from './use-choice'
import { useSelection } from './use-selection'
import { type SummaryState, useSummary } from './use-summary'

/** The list of runs: the page that an administrator keeps open. */
export function History(): JSX.Element {
  const { choice, unknown, run, change, open, forget } = useChoice()
  const key = writeChoice(choice).toString()
  // oxlint-disable-next-line react/exhaustive-deps
  const kept = useMemo(() => listOf(choice), [key])
  const { list } = kept
  useSyncExternalStore(list.subscribe, () => list.version)
  const summary = useSummary(choice, list)
  const table = useRef<TableHandle>(null)
  const search = useRef<HTMLInputElement>(null)
  const [focus, setFocus] = useState(0)
  const [retrying, setRetrying] = useState(false)
  const selection = useSelection(list)

  useEffect(
    () => () => {
      kept.top = table.current?.scrollTop() ?? 0
      leave(kept)
    },
    [kept],
  )
  useEffect(() => {
    offerPause({
      paused: list.paused,
      held: list.heldCount,
      toggle: () => (list.paused ? list.resume() : list.pause()),
    })
    return () => offerPause(null)
  }, [list, list.paused, list.heldCount])
  useEffect(() => {
    const failed = summary.data?.FAILURE?.totalCount
    document.title = `${failed?.value ? `${texts.count(failed)} ${texts.status.FAILURE.toLowerCase()} · ` : ''}${texts.history.title} · ${texts.product}`
  }, [summary.data])
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  useEffect(() => {
    if (!signedOut && list.error) void list.reveal()
    // Only a sign-in asks again by itself; after other errors somebody presses Try again.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [signedOut])
  useEffect(() => {
    if (list.waiting.size) announceNew(list.waiting.size)
  }, [list.waiting.size])

  // The first runs of an empty list move nothing: they show by themselves.
  const first = list.ids.length === 0 && list.waiting.size > 0 && list.loading === null
  useEffect(() => {
    if (first) void list.reveal()
  }, [first, list])

  const moveTo = (index: number): void => {
    const to = Math.max(0, Math.min(list.ids.length - 1, index))
    setFocus(to)
    table.current?.show(to)
    const id = list.ids[to]
    if (id === undefined) return
    if (run !== null) open(id, true)
    requestAnimationFrame(() => table.current?.focusRow(id))
  }
  const reveal = async (): Promise<void> => {
    await list.reveal()
    table.current?.toTop()
    setFocus(0)
  }
  const retried = useCallback(
    (made: RunRow) => {
      list.insert(made)
      toast(texts.retry.queued(made.attempt), { href: hrefs.execution(made.id), text: texts.retry.see })
    },
    [list],
  )
  const latest = useRef<RowActions>(null!)
  latest.current = {
    open: (id) => open(id),
    select: (id, span) => selection.toggle(id, span),
    narrow: (id, event) => {
      const part = narrowedBy(choice, list.row(id), event)
      if (part) change(part)
      return part !== null
    },
    retried,
  }
  // Stable: a new object would render every row again at each frame of scrolling.
  const [actions] = useState<RowActions>(() => ({
    open: (id) => latest.current.open(id),
    select: (id, span) => latest.current.select(id, span),
    narrow: (id, event: MouseEvent) => latest.current.narrow(id, event),
    retried: (row) => latest.current.retried(row),
  }))
  const focused = (): RunRow | undefined => list.row(list.ids[focus] ?? '')
  useKeys({
    j: () => moveTo(focus + 1),
    k: () => moveTo(focus - 1),
    Enter: () => {
      if (!(document.activeElement?.matches('[role=row], body') ?? true)) return false
      const id = list.ids[focus]
      if (id !== undefined) open(id)
    },
    o: () => {
      const row = focused()
      if (row) location.assign(hrefs.execution(run ?? row.id))
    },
    x: () => {
      const row = focused()
      if (row) selection.toggle(row.id, false)
    },
    r: () => {
      const row = list.row(run ?? '') ?? focused()
      if (row) void retryNow(row, retried)
    },
    R: () => setRetrying(true),
    y: () => {
      const id = run ?? focused()?.id
      if (id) void writeClipboard(id).then(() => announce(texts.copy.copied))
    },
    c: () => void writeClipboard(location.href).then(() => announce(texts.copy.copied)),
    p: () => (list.paused ? list.resume() : list.pause()),
    '.': () => void reveal(),
    f: () => document.getElementById('add-filter')?.click(),
    '/': () => search.current?.focus(),
    Escape: () => {
      if (run !== null) open(null)
      else if (choice.q) change({ q: '' }, true)
      else if (selection.size) selection.clear()
      else return false
    },
  })

  const narrowed = isNarrowed(choice)
  const histogramError = summary.errors.get('executionHistogram') ?? (summary.data ? null : summary.error)
  return (
    <div className={`history ${run === null ? '' : 'with-sheet'}`}>
      <section className="list">
        <header className="page-head">
          <h1>{texts.history.title}</h1>
          <div className="end">
            <Menu button={texts.history.share}>
              <MenuItem onChoose={() => void writeClipboard(location.href)}>{texts.history.copyView}</MenuItem>
              <MenuItem
                onChoose={() =>
                  void writeClipboard(location.origin + hrefs.history(writeChoice(exactly(choice, now()))))
                }
              >
                {texts.history.copyTimes}
              </MenuItem>
            </Menu>
            <a className="button" href={graphiqlLink(choice)}>
              {texts.history.openInGraphiql}
            </a>
          </div>
        </header>
        {unknown.length > 0 && (
          <p className="notice" role="status">
            {texts.history.unknown(unknown)}
            <button type="button" onClick={forget}>
              {texts.history.forget}
            </button>
          </p>
        )}
        {choice.retry !== null && (
          <BulkResult id={choice.retry} onMade={() => void list.reveal()} onClose={() => change({ retry: null })} />
        )}
        <FilterBar choice={choice} change={change} summary={summary} searchRef={search} />
        {histogramError ? (
          <ErrorBox error={histogramError} retry={summary.retry} />
        ) : (
          <Histogram
            data={summary.data?.executionHistogram ?? null}
            narrowed={choice.from !== null || choice.to !== null || choice.range !== null}
            onPick={(from, to) => change({ from, to, range: null })}
            onWiden={() => change({ from: null, to: null, range: null })}
          />
        )}
        <div className="table">
          {list.loading === 'refresh' && <div className="progress" role="presentation" />}
          {list.error && <ErrorBox error={list.error} retry={() => void list.reveal()} />}
          <div className="pill-place">
            {list.waiting.size > 0 && (
              <button type="button" className="pill" onClick={() => void reveal()}>
                ↑ {texts.history.newRuns(list.waiting.size)} <kbd>.</kbd>
              </button>
            )}
          </div>
          <RunTable
            key={key}
            ref={table}
            list={list}
            choice={choice}
            onSort={(sort) => change({ sort })}
            focus={focus}
            onFocus={setFocus}
            opened={run}
            selection={selection.ids}
            onSelectAll={selection.toggleLoaded}
            actions={actions}
            startTop={kept.top}
          />
          {!list.loading && !list.error && list.ids.length === 0 && (
            <Empty choice={choice} narrowed={narrowed} change={change} onClear={() => change(NOTHING)} />
          )}
        </div>
        <footer className="table-foot">
          {selection.size > 0 ? (
            <div className="selection" role="group" aria-label={texts.history.selection}>
              <b>{texts.history.selected(selection.size)}</b>
              <button type="button" onClick={() => setRetrying(true)}>
                {texts.retry.bulk}
              </button>
              <CopyButton className="" what={texts.history.ids} text={() => [...selection.ids].join('\n')}>
                {texts.history.copyIds}
              </CopyButton>
              <button type="button" onClick={selection.clear}>
                {texts.history.clearSelection}
              </button>
            </div>
          ) : (
            <p className="dim numbers">{footOf(list.ids.length, list.hasNext, totalOf(choice, summary.data))}</p>
          )}
          {list.dropped > 0 && <p className="dim">{texts.history.dropped(list.dropped)}</p>}
        </footer>
      </section>
      {run !== null && (
        <ExecutionSheet
          id={run}
          onClose={() => {
            open(null)
            const id = list.ids[focus]
            if (id !== undefined) requestAnimationFrame(() => table.current?.focusRow(id))
          }}
          onOpen={(id) => open(id)}
          onStep={(by) => moveTo(list.ids.indexOf(run) + by)}
          onRetried={(made) => {
            retried(made)
            open(made.id)
          }}
        />
      )}
      {retrying && (
        <BulkRetry
          ids={selection.size ? [...selection.ids] : null}
          choice={choice}
          onClose={() => setRetrying(false)}
          onStart={(id) => {
            setRetrying(false)
            selection.clear()
            change({ ...NOTHING, retry: id })
          }}
        />
      )}
    </div>
  )
}

/** How many match: of one chosen status its own count, else that of all; unknown for several. */
function totalOf(choice: Choice, data: SummaryState['data']): Count | null {
  if (!data) return null
  const { status, state } = choice
  if (state.length || status.length > 1) return null
  return (status.length === 1 ? data[status[0]!] : data.all)?.totalCount ?? null
}

function footOf(shown: number, more: boolean, total: Count | null): string {
  if (!shown) return ''
  return more ? texts.history.shownOf(shown, total ? texts.count(total) : null) : texts.history.shownAll(shown)
}

const ANNOUNCE_MS = 10_000
let announcedAt = 0

function announceNew(count: number): void {
  if (Date.now() - announcedAt < ANNOUNCE_MS) return
  announcedAt = Date.now()
  announce(texts.history.newRuns(count))
}

function graphiqlLink(choice: Parameters<typeof writeChoice>[0]): string {
  return `${hrefs.graphiql}#${new URLSearchParams({ history: writeChoice(choice).toString() })}`
}
