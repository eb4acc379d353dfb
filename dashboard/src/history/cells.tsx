import type { JSX } from 'react'
import type { RunRow } from '../filter/documents'
import { Duration, Running } from '../parts/duration'
import { StatusWord } from '../parts/status'
import { Tooltip } from '../parts/tooltip'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { useNow } from '../time/clock'
import { duration, millis } from '../time/time'
import type { Column } from './columns'
import { ends } from './ends'

type Gone = keyof typeof texts.history.gone

/** What a row has in a column. */
export function Cell({
  column, row, gone, onOpen,
}: {
  column: Column
  row: RunRow
  gone: Gone | undefined
  onOpen: (id: string) => void
}): JSX.Element {
  switch (column) {
    case 'status':
      return <StatusWord status={row.status} state={row.state} />
    case 'workflow':
      return (
        <>
          <RunLink row={row} onOpen={onOpen} />
          {row.attempt > 1 && <small className="attempt">↻ {row.attempt}</small>}
        </>
      )
    case 'happened':
      return gone ? <em>{texts.history.gone[gone]}</em> : <Happened row={row} />
    case 'trigger':
      return <>{row.trigger.kind}</>
    case 'engine':
      return <>{row.engine.name}</>
    case 'queued':
      return <When at={row.queuedAt} inRow />
    case 'started':
      return <Moment at={row.startedAt} />
    case 'finished':
      return <Moment at={row.finishedAt} />
    case 'duration':
      return row.timeMarks.includes('FINISHED_BEFORE_STARTED') ? (
        <Tooltip text={texts.history.marks.FINISHED_BEFORE_STARTED} inRow>
          {texts.none}
        </Tooltip>
      ) : (
        <Duration row={row} />
      )
    case 'waited':
      return row.queueMs === null && row.state === 'QUEUED' ? (
        <Running since={row.queuedAt} />
      ) : (
        <>{row.queueMs === null ? <NotWaited row={row} /> : duration(row.queueMs)}</>
      )
    case 'externalId':
      return <>{row.externalId}</>
    case 'requestedBy':
      return <>{row.requestedBy ?? texts.none}</>
  }
}

/** Why there is no waiting time, where clocks that disagree would make it less than nothing. */
function NotWaited({ row }: { row: RunRow }): JSX.Element {
  if (!row.timeMarks.includes('STARTED_BEFORE_QUEUED')) return <>{texts.none}</>
  return (
    <Tooltip text={texts.history.marks.STARTED_BEFORE_QUEUED} inRow>
      {texts.none}
    </Tooltip>
  )
}

function Moment({ at }: { at: string | null }): JSX.Element {
  return at === null ? <>{texts.none}</> : <When at={at} />
}

/** The one line that tells this run from the others: why it failed, where it is, what it resolves, what set it off. */
function Happened({ row }: { row: RunRow }): JSX.Element {
  if (row.error) {
    return (
      <>
        {row.resolved && <b className="resolved">{texts.history.resolved}</b>}
        {row.failedStep && (
          <b className="step" data-cell="step">
            {row.failedStep.name}
          </b>
        )}
        <span title={row.error.message}>{row.error.message.split('\n', 1)[0]}</span>
      </>
    )
  }
  if (row.dueAt && (row.state === 'QUEUED' || row.state === 'WAITING')) {
    return (
      <span className="dim">
        {texts.history.due} <When at={row.dueAt} ahead />
      </span>
    )
  }
  if (row.state === 'QUEUED') return <Waiting since={row.queuedAt} />
  const { currentStep: step } = row
  if (row.state === 'CONTACT_LOST') {
    return (
      <span className="dim">
        {step && `${texts.history.step(step.index + 1, row.stepCount, step.name)} · `}
        {texts.history.lastHeard[step ? 'after' : 'alone']} <When at={row.lastHeardAt} />
      </span>
    )
  }
  if (step) return <span className="dim">{texts.history.step(step.index + 1, row.stepCount, step.name)}</span>
  if (row.status === 'PENDING') return <span className="dim">{texts.history.pending[row.state as 'RUNNING'] ?? ''}</span>
  if (row.attempt > 1) return <span className="dim">{texts.history.retry(row.attempt, row.status, row.requestedBy)}</span>
  return <span className="dim">{row.trigger.label ?? row.externalId}</span>
}

function Waiting({ since }: { since: string }): JSX.Element {
  const now = useNow(true)
  return <span className="dim">{texts.history.queuedFor(duration(Math.floor(Math.max(0, now - millis(since)) / 1000) * 1000))}</span>
}

/** Opens the run beside the list, and is a link like any other for the rest: with Ctrl, ⌘ or the middle button. */
function RunLink({ row, onOpen }: { row: RunRow; onOpen: (id: string) => void }): JSX.Element {
  const { workflowName } = row
  const [start, end] = ends(workflowName.replace(/\s/g, ' '))
  return (
    <a
      href={hrefs.execution(row.id)}
      tabIndex={-1}
      title={end && workflowName}
      aria-label={end && workflowName}
      className="ends"
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        if (!event.altKey) onOpen(row.id)
      }}
    >
      <span>{start}</span>
      {end && <span>{end}</span>}
    </a>
  )
}
