import type { JSX } from 'react'
import type { RunRow } from '../filter/documents'
import { copyAndSay, CopyButton, curlOf } from '../parts/copy'
import { Duration } from '../parts/duration'
import { Menu, MenuItem } from '../parts/menu'
import { useZone } from '../parts/settings'
import { StatusIcon } from '../parts/status'
import { When } from '../parts/when'
import { RetryButton } from '../retry/retry-button'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { absolute } from '../time/time'
import type { Attempt, Run } from './documents'
import { ResolveButton, Resolved } from './resolve-button'
import { forChat, graphiqlOf, linkOf } from './share'

/** What a run is and how it stands, in two lines, and what one can do with it. */
export function Head({
  run,
  attempts,
  sheet,
  onOpen,
  onRetried,
  comparing,
  onCompare,
}: {
  run: Run
  attempts: readonly Attempt[]
  sheet: boolean
  onOpen: (id: string) => void
  onRetried: (made: RunRow) => void
  comparing: boolean
  onCompare: () => void
}): JSX.Element {
  const zone = useZone()
  const Title = sheet ? 'h2' : 'h1'
  return (
    <header className="head">
      <div className="title">
        <Title>
          <StatusIcon status={run.status} state={run.state} />
          <span>{run.workflowName}</span>
        </Title>
        <div className="tools">
          <Neighbours run={run} onOpen={onOpen} />
          {run.status === 'FAILURE' || run.retryability.canRetry ? <RetryButton run={run} attempts={attempts} onRetried={onRetried} /> : null}
          <ResolveButton run={run} />
          <button type="button" aria-pressed={comparing} title={`${texts.keys.d} (d)`} onClick={onCompare}>
            {runTexts.compare.button}
          </button>
          {!sheet && (
            <CopyButton className="" what={runTexts.execution.link} text={linkOf(run)}>
              {runTexts.execution.copyLink}
            </CopyButton>
          )}
          <Menu button="⋯" label={runTexts.execution.more}>
            <MenuItem onChoose={() => void copyAndSay(run.id)}>
              {runTexts.execution.copyId} <kbd>y</kbd>
            </MenuItem>
            <MenuItem onChoose={() => void copyAndSay(run.externalId)}>{runTexts.execution.copyExternalId}</MenuItem>
            <MenuItem onChoose={() => void copyAndSay(...forChat(run, zone))}>{runTexts.execution.copyChat}</MenuItem>
            <MenuItem onChoose={() => void copyAndSay(curlOf(run.id))}>
              {runTexts.execution.copyCurl} <kbd>⇧Y</kbd>
            </MenuItem>
            <MenuItem onChoose={() => location.assign(graphiqlOf(run))}>{texts.history.openInGraphiql}</MenuItem>
          </Menu>
        </div>
      </div>
      <p className="facts">
        <b className={run.status}>
          {run.failedStep ? runTexts.execution.failedIn(texts.state[run.state], run.failedStep.name) : texts.state[run.state]}
        </b>
        {run.state === 'CONTACT_LOST' && (
          <span>
            {texts.history.lastHeard.after} <When at={run.lastHeardAt} focusable />
          </span>
        )}
        {run.dueAt && (
          <span>
            {texts.history.due} <When at={run.dueAt} focusable ahead />
          </span>
        )}
        {run.endRefused && <b className="FAILURE">{runTexts.execution.endRefused(run.endRefused)}</b>}
        {run.timeMarks.map((mark) => (
          <span key={mark} className="dim">
            {texts.history.marks[mark]}
          </span>
        ))}
        <span className="numbers">
          <Duration row={run} />
        </span>
        <span>
          <When at={run.queuedAt} focusable />
          <span className="dim exact"> ({absolute(run.queuedAt, zone)})</span>
        </span>
        <span title={runTexts.execution.fact.trigger}>{run.trigger.kind}</span>
        <a title={runTexts.execution.fact.engine} href={hrefs.engines(run.engine.name)}>{run.engine.name}</a>
        <span>
          {runTexts.execution.attemptOf(run.attempt, Math.max(...attempts.map(({ attempt }) => attempt)))}
          {run.requestedBy !== null && <span className="dim">, {runTexts.execution.askedBy(run.requestedBy)}</span>}
        </span>
        {run.resolved && !run.resolution && <b className="SUCCESS">{runTexts.execution.resolved}</b>}
      </p>
      {run.resolution && <Resolved resolution={run.resolution} />}
    </header>
  )
}

/** The runs of the same workflow just before and after this one. */
function Neighbours({ run, onOpen }: { run: Run; onOpen: (id: string) => void }): JSX.Element | null {
  if (!run.previous && !run.next) return null
  const link = (to: { id: string } | null, label: string, sign: string, key: string): JSX.Element =>
    to ? (
      <a
        className="button bare"
        href={hrefs.execution(to.id)}
        aria-label={label}
        title={`${label} (${key})`}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return
          event.preventDefault()
          onOpen(to.id)
        }}
      >
        {sign}
      </a>
    ) : (
      <span className="button bare none" aria-hidden="true">
        {sign}
      </span>
    )
  return (
    <span className="neighbours">
      {link(run.previous, runTexts.execution.previousOf(run.workflowName), '←', '[')}
      {link(run.next, runTexts.execution.nextOf(run.workflowName), '→', ']')}
    </span>
  )
}
