import { type JSX, lazy, type ReactNode, Suspense, useEffect, useRef } from 'react'
import type { RunRow } from '../filter/documents'
import { Log, type LogHandle } from '../log/log'
import type { LogView } from '../log/view'
import { announce } from '../parts/announce'
import { ErrorBox } from '../parts/error-box'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { Attempts } from './attempts'
import { LAST_SUCCESS } from './compared'
import { Delivery } from './delivery'
import { ErrorSection } from './error-section'
import './execution.css'
import { Facts } from './facts'
import { Head } from './head'
import { Missing } from './missing'
import { PartLevel, PartTitle } from './part-title'
import { Steps, type StepsHandle } from './steps'
import { TriggerSection } from './trigger-section'
import { useAttempts } from './use-attempts'
import type { RunState } from './use-run'
import { useRunKeys } from './use-run-keys'

// Few look at it: it comes when somebody does.
const Comparison = lazy(async () => ({ default: (await import('./comparison')).Comparison }))

interface Props {
  id: string
  state: RunState & { again: () => void }
  log: LogView
  onOpen: (id: string) => void
  onRetried: (made: RunRow) => void
  /** What it is compared with: the id of a run, or LAST_SUCCESS. */
  compared: string | null
  onCompare: (other: string | null) => void
  /** Beside the list, where headings are one level lower. */
  sheet?: boolean
}

/** All that is known of a run: why it failed first, then its steps and its log; beside them its data and attempts. */
export function Detail({ id, state, log: view, onOpen, onRetried, compared, onCompare, sheet = false }: Props): JSX.Element {
  const run = state.kind === 'shown' ? state.run : state.kind === 'missing' ? null : state.run
  const attempts = useAttempts(run)
  const steps = useRef<StepsHandle>(null)
  const log = useRef<LogHandle>(null)
  const toggleCompared = (): void => onCompare(compared === null ? LAST_SUCCESS : null)
  useRunKeys({ id, run, attempts, sheet, steps, log, onOpen, onRetried, onCompare: toggleCompared })
  const told = useRef<string | null>(null)
  useEffect(() => {
    if (!run) return
    const now = `${run.id} ${run.state}`
    if (told.current?.startsWith(run.id) && told.current !== now && run.finishedAt !== null) {
      announce(runTexts.execution.ended(run.workflowName, texts.state[run.state], run.failedStep?.name ?? null))
    }
    told.current = now
  }, [run])
  if (state.kind === 'missing') return <Missing id={id} deleted={state.deleted} sheet={sheet} />
  if (!run) {
    const Title = sheet ? 'h2' : 'h1'
    return state.kind === 'failed' ? (
      <div className="detail missing">
        <Title>{runTexts.execution.sheet}</Title>
        <p className="mono dim">{id}</p>
        <ErrorBox error={state.error} retry={state.again} />
      </div>
    ) : (
      <Skeleton sheet={sheet} />
    )
  }
  return (
    <PartLevel value={sheet ? 'h3' : 'h2'}>
      <article className="detail" aria-label={run.workflowName}>
        <Head run={run} attempts={attempts} sheet={sheet} onOpen={onOpen} onRetried={onRetried} comparing={compared !== null} onCompare={toggleCompared} />
        {state.kind === 'failed' && <ErrorBox error={state.error} retry={state.again} />}
        <div className="columns">
          <div className="main-column">
            {run.error && <ErrorSection key={run.id} error={run.error} step={run.failedStep?.name ?? null} />}
            {compared !== null && (
              <Suspense>
                <Comparison key={`${run.id} ${compared}`} run={run} other={compared} onCompare={onCompare} />
              </Suspense>
            )}
            <Steps key={`steps ${run.id}`} run={run} ref={steps} onLog={(step) => log.current?.showStep(step.id)} />
            <Log
              key={`log ${run.id}`}
              ref={log}
              executionId={run.id}
              pending={run.status === 'PENDING'}
              startedAt={run.startedAt ?? run.queuedAt}
              steps={run.steps}
              view={view}
            />
          </div>
          <div className="side-column">
            <Facts run={run} />
            {run.dispatch && <Delivery dispatch={run.dispatch} finished={run.finishedAt !== null} />}
            {attempts.length > 1 && (
              <Section title={runTexts.execution.attempts} id="attempts">
                <Attempts id={run.id} attempts={attempts} onOpen={onOpen} />
              </Section>
            )}
            <TriggerSection key={run.id} run={run} />
          </div>
        </div>
      </article>
    </PartLevel>
  )
}

function Section({ title, id, children }: { title: string; id: string; children: ReactNode }): JSX.Element {
  return (
    <section className={`part ${id}-part`} aria-labelledby={`part-${id}`}>
      <header>
        <PartTitle id={`part-${id}`}>{title}</PartTitle>
      </header>
      {children}
    </section>
  )
}

function Skeleton({ sheet }: { sheet: boolean }): JSX.Element {
  const Title = sheet ? 'h2' : 'h1'
  return (
    <div className="detail" aria-busy="true">
      <Title className="visually-hidden">{texts.loading}</Title>
      {[50, 80, 30, 95, 95, 70].map((width, index) => (
        <p key={index} className="skeleton" style={{ width: `${width}%` }}>
          .
        </p>
      ))}
    </div>
  )
}
