import { type JSX, memo, type MouseEvent, useCallback, useSyncExternalStore } from 'react'
import type { RunRow } from '../filter/documents'
import type { LiveList } from '../live/live-list'
import { StatusWord } from '../parts/status'
import { When } from '../parts/when'
import { RetryButton } from '../retry/retry-button'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { useNow } from '../time/clock'
import { duration, millis } from '../time/time'

export interface RowActions {
  open(id: string): void
  select(id: string, span: boolean): void
  narrow(id: string, event: MouseEvent): boolean
  retried(row: RunRow): void
}

interface Props {
  list: LiveList
  id: string
  index: number
  focused: boolean
  opened: boolean
  selected: boolean
  actions: RowActions
}

/** A run of the list. It renders again when its own run changes, and not when another one does. */
export const RunRowView = memo(function RunRowView({ list, id, index, focused, opened, selected, actions }: Props) {
  const row = useSyncExternalStore(
    useCallback((listener) => list.subscribeRow(id, listener), [list, id]),
    () => list.row(id),
  )
  const gone = useSyncExternalStore(
    useCallback((listener) => list.subscribeRow(id, listener), [list, id]),
    () => list.gone.get(id),
  )
  if (!row) return null
  const press = (event: MouseEvent): void => {
    if ((event.target as Element).closest('a, button, input, .tooltip')) return
    if (event.altKey && actions.narrow(id, event)) return
    actions.open(id)
  }
  return (
    // The grid has the keys of its rows (roving focus).
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
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
        <input
          type="checkbox"
          tabIndex={-1}
          checked={selected}
          aria-label={texts.history.select(row.workflowName)}
          onChange={() => {}}
          onClick={(event) => actions.select(id, event.shiftKey)}
        />
      </span>
      <span role="gridcell" className="status" data-narrow="status">
        <StatusWord status={row.status} state={row.state} />
      </span>
      <span role="gridcell" className="workflow" data-narrow="workflow">
        <a
          href={hrefs.execution(id)}
          tabIndex={-1}
          className="cut"
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return
            event.preventDefault()
            actions.open(id)
          }}
        >
          {row.workflowName}
        </a>
        {row.attempt > 1 && <small className="attempt">↻ {row.attempt}</small>}
      </span>
      <span role="gridcell" className="happened">
        {gone ? <em>{texts.history.gone[gone]}</em> : <Happened row={row} />}
      </span>
      <span role="gridcell" className="trigger cut" data-narrow="trigger">
        {row.trigger.kind}
      </span>
      <span role="gridcell" className="queued">
        <When at={row.queuedAt} />
      </span>
      <span role="gridcell" className="duration numbers">
        <Duration row={row} />
      </span>
      <span role="gridcell" className="actions">
        {row.status === 'FAILURE' && !gone && <RetryButton run={row} compact onRetried={actions.retried} />}
      </span>
    </div>
  )
})

/** The one line that tells this run from the others: why it failed, where it is, what it mends. */
function Happened({ row }: { row: RunRow }): JSX.Element {
  if (row.error) {
    return (
      <>
        {row.resolved && <b className="resolved">{texts.history.resolved}</b>}
        {row.failedStep && <b data-narrow="step">{row.failedStep.name}</b>}{' '}
        <span title={row.error.message}>{row.error.message.split('\n', 1)[0]}</span>
      </>
    )
  }
  if (row.status === 'PENDING') return <span className="dim">{texts.history.pending[row.state as 'QUEUED'] ?? ''}</span>
  if (row.attempt > 1) {
    return <span className="dim">{texts.history.retry(row.attempt, row.requestedBy)}</span>
  }
  return <span className="dim">{row.externalId}</span>
}

/** How long it took; of a running one, how long it takes so far: with an ellipsis, so that a picture tells. */
export function Duration({ row }: { row: Pick<RunRow, 'durationMs' | 'startedAt' | 'finishedAt' | 'state'> }): JSX.Element {
  const running = row.durationMs === null && row.startedAt !== null && row.finishedAt === null
  return running ? <Running since={row.startedAt!} /> : <>{row.durationMs === null ? '–' : duration(row.durationMs)}</>
}

function Running({ since }: { since: string }): JSX.Element {
  const now = useNow(true)
  return <>{duration(Math.max(0, now - millis(since)))}…</>
}
