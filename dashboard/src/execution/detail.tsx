import { type JSX, type ReactNode, useEffect, useRef } from 'react'
import type { RunRow } from '../filter/documents'
import { Log } from '../log/log'
import { announce } from '../parts/announce'
import { CopyButton, curlOf, writeClipboard } from '../parts/copy'
import { Duration } from '../parts/duration'
import { ErrorBox } from '../parts/error-box'
import { Menu, MenuItem } from '../parts/menu'
import { useZone } from '../parts/settings'
import { StatusIcon } from '../parts/status'
import { When } from '../parts/when'
import { RetryButton } from '../retry/retry-button'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { absolute } from '../time/time'
import { Attempts } from './attempts'
import type { Run } from './documents'
import { ErrorSection } from './error-section'
import './execution.css'
import { PartLevel, PartTitle } from './part-title'
import { Steps } from './steps'
import { TriggerSection } from './trigger-section'
import type { RunState } from './use-run'

interface Props {
  id: string
  state: RunState & { again: () => void }
  onOpen: (id: string) => void
  onRetried: (made: RunRow) => void
  /** Beside the list, where headings are one level lower. */
  sheet?: boolean
}

/** All that is known of a run: why it failed first, then its steps, its log, its trigger data and its attempts. */
export function Detail({ id, state, onOpen, onRetried, sheet = false }: Props): JSX.Element {
  const run = state.kind === 'shown' ? state.run : state.kind === 'missing' ? null : state.run
  const told = useRef<string | null>(null)
  useEffect(() => {
    if (!run) return
    const now = `${run.id} ${run.state}`
    if (told.current?.startsWith(run.id) && told.current !== now && run.finishedAt !== null) {
      announce(texts.execution.ended(run.workflowName, texts.state[run.state], run.failedStep?.name ?? null))
    }
    told.current = now
  }, [run])
  if (state.kind === 'missing') return <Missing id={id} deleted={state.deleted} sheet={sheet} />
  if (!run) {
    return state.kind === 'failed' ? (
      <ErrorBox error={state.error} retry={state.again} />
    ) : (
      <div className="detail" aria-busy="true">
        <p className="visually-hidden">{texts.loading}</p>
        {[50, 80, 30, 95, 95, 70].map((width, index) => (
          <p key={index} className="skeleton" style={{ width: `${width}%` }}>
            .
          </p>
        ))}
      </div>
    )
  }
  return (
    <PartLevel value={sheet ? 'h3' : 'h2'}>
      <article className="detail" aria-label={run.workflowName}>
        <Head run={run} sheet={sheet} onRetried={onRetried} />
        {state.kind === 'failed' && <ErrorBox error={state.error} retry={state.again} />}
        {run.error && <ErrorSection error={run.error} step={run.failedStep?.name ?? null} />}
        {run.dispatch && run.dispatch.acceptedAt === null && <Delivery run={run} />}
        <Section title={texts.execution.steps(run.steps.length)} id="steps">
          <Steps run={run} />
        </Section>
        <Section title={texts.execution.log} id="log">
          <Log key={run.id} executionId={run.id} pending={run.status === 'PENDING'} startedAt={run.startedAt ?? run.queuedAt} steps={run.steps} />
        </Section>
        <TriggerSection run={run} />
        <Attempts run={run} onOpen={onOpen} />
      </article>
    </PartLevel>
  )
}

export function Section({
  title,
  id,
  children,
  tools,
}: {
  title: string
  id: string
  children: ReactNode
  tools?: ReactNode
}): JSX.Element {
  return (
    <section className="part" aria-labelledby={`part-${id}`}>
      <header>
        <PartTitle id={`part-${id}`}>{title}</PartTitle>
        {tools}
      </header>
      {children}
    </section>
  )
}

function Head({
  run,
  sheet,
  onRetried,
}: {
  run: Run
  sheet: boolean
  onRetried: (made: RunRow) => void
}): JSX.Element {
  const zone = useZone()
  const link = `${location.origin}${hrefs.execution(run.id)}`
  const Title = sheet ? 'h2' : 'h1'
  return (
    <header className="head">
      <Title>
        <StatusIcon status={run.status} state={run.state} /> {run.workflowName}
      </Title>
      <p className="facts">
        <b className={run.status}>
          {run.failedStep ? texts.execution.failedIn(texts.state[run.state], run.failedStep.name) : texts.state[run.state]}
        </b>
        <span className="numbers">
          <Duration row={run} />
        </span>
        <span>
          <When at={run.queuedAt} focusable /> <span className="dim">({absolute(run.queuedAt, zone)})</span>
        </span>
        <span>{texts.execution.trigger(run.trigger.kind)}</span>
        <span>{texts.execution.engine(run.engine.name)}</span>
        <span>{texts.execution.attempt(run.attempt, run.requestedBy)}</span>
        {run.resolved && <b className="SUCCESS">{texts.execution.resolved}</b>}
      </p>
      <div className="tools">
        {run.status === 'FAILURE' || run.retryability.canRetry ? <RetryButton run={run} onRetried={onRetried} /> : null}
        <CopyButton className="" what={texts.execution.link} text={link}>
          {texts.execution.copyLink}
        </CopyButton>
        {sheet && (
          <a className="button" href={hrefs.execution(run.id)}>
            {texts.execution.openPage}
          </a>
        )}
        <Menu button="⋯" label={texts.execution.more}>
          <MenuItem onChoose={() => void writeClipboard(run.id)}>{texts.execution.copyId}</MenuItem>
          <MenuItem onChoose={() => void writeClipboard(run.externalId)}>{texts.execution.copyExternalId}</MenuItem>
          <MenuItem onChoose={() => void writeClipboard(forChat(run, link, zone))}>{texts.execution.copyChat}</MenuItem>
          <MenuItem onChoose={() => void writeClipboard(curlOf(run.id))}>{texts.execution.copyCurl}</MenuItem>
          <MenuItem onChoose={() => location.assign(graphiqlOf(run))}>{texts.history.openInGraphiql}</MenuItem>
        </Menu>
      </div>
    </header>
  )
}

function Delivery({ run }: { run: Run }): JSX.Element {
  const { attempts, nextAttemptAt, lastError } = run.dispatch!
  return (
    <p className="notice">
      {texts.execution.offered(attempts)}
      {lastError !== null && <span className="cut">{lastError}</span>}
      {nextAttemptAt !== null && <When at={nextAttemptAt} />}
    </p>
  )
}

function Missing({ id, deleted, sheet }: { id: string; deleted: boolean; sheet: boolean }): JSX.Element {
  const Title = sheet ? 'h2' : 'h1'
  return (
    <div className="detail missing" role="status">
      <Title>{deleted ? texts.execution.deleted : texts.execution.unknown}</Title>
      <p className="mono">{id}</p>
      <a className="button" href={hrefs.history(new URLSearchParams({ q: id }))}>
        {texts.execution.searchId}
      </a>
    </div>
  )
}

/** Link, status, workflow, the first line of the message, and when: what one pastes into a chat. */
function forChat(run: Run, link: string, zone: string): string {
  const why = run.error ? ` – ${run.error.message.split('\n', 1)[0]}` : ''
  return `${texts.state[run.state]}: ${run.workflowName}${why} (${absolute(run.queuedAt, zone)})\n${link}`
}

function graphiqlOf(run: Run): string {
  const query = `query Execution($id: ID!) {
  execution(id: $id) {
    id state durationMs
    error { type message stackTrace }
    steps { name state durationMs input output }
    trigger { kind data }
  }
}
`
  return `${hrefs.graphiql}#${new URLSearchParams({ query, variables: JSON.stringify({ id: run.id }, null, 2) })}`
}
