import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, useRef, useState } from 'react'
import { JsonTree } from '../parts/json-tree'
import { StatusIcon } from '../parts/status'
import { texts } from '../texts'
import { useNow } from '../time/clock'
import { duration, millis } from '../time/time'
import type { Run, Step } from './documents'
import { barOf, scaleOf } from './waterfall'

/** Beyond this many, only the visible steps are in the document. */
const VIRTUAL_ABOVE = 100
const ROW = 30

/** The steps as bars on the run's own scale; each folds open to its error, input and output. */
export function Steps({ run }: { run: Run }): JSX.Element {
  const [onlyFailed, setOnlyFailed] = useState(false)
  const [slowest, setSlowest] = useState(false)
  const running = run.finishedAt === null && run.startedAt !== null
  const now = useNow(running)
  if (!run.steps.length) return <p className="dim">{texts.execution.noSteps}</p>
  const scale = scaleOf(run, now)
  const rest = { scale, now, runError: run.error?.message ?? null }
  let steps = onlyFailed ? run.steps.filter((step) => step.status === 'FAILURE') : run.steps
  if (slowest) steps = steps.toSorted((a, b) => (b.durationMs ?? 0) - (a.durationMs ?? 0))
  return (
    <div className="steps">
      <div className="steps-head">
        {run.steps.length > 8 && (
          <span className="choices">
            <button type="button" aria-pressed={onlyFailed} onClick={() => setOnlyFailed(!onlyFailed)}>
              {texts.execution.onlyFailed}
            </button>
            <button type="button" aria-pressed={slowest} onClick={() => setSlowest(!slowest)}>
              {texts.execution.slowestFirst}
            </button>
          </span>
        )}
        <span className="scale numbers dim" aria-hidden="true">
          <span>0</span>
          <span>{duration(scale.length / 2)}</span>
          <span>{duration(scale.length)}</span>
        </span>
      </div>
      {steps.length > VIRTUAL_ABOVE ? (
        <VirtualSteps steps={steps} {...rest} />
      ) : (
        <ol>
          {steps.map((step) => (
            <li key={step.id}>
              <StepRow step={step} {...rest} />
            </li>
          ))}
        </ol>
      )}
    </div>
  )
}

interface Rest {
  scale: ReturnType<typeof scaleOf>
  now: number
  runError: string | null
}

function VirtualSteps({ steps, ...rest }: { steps: Step[] } & Rest): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    getItemKey: (index) => steps[index]!.id,
  })
  return (
    <div ref={scroller} className="steps-scroller" tabIndex={0} role="group" aria-label={texts.execution.steps(steps.length)}>
      <ol style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => (
          <li
            key={item.key}
            data-index={item.index}
            ref={virtual.measureElement}
            aria-setsize={steps.length}
            aria-posinset={item.index + 1}
            style={{ position: 'absolute', insetInline: 0, transform: `translateY(${item.start}px)` }}
          >
            <StepRow step={steps[item.index]!} {...rest} />
          </li>
        ))}
      </ol>
    </div>
  )
}

function StepRow({ step, scale, now, runError }: { step: Step } & Rest): JSX.Element {
  const bar = barOf(step, scale, now)
  const reached = step.startedAt !== null || step.durationMs !== null
  // What the run's own error says stands above: unfolded again, it would push the log out of the window.
  const told = step.error !== null && step.error.message === runError
  const folds = step.error !== null || step.input !== null || step.output !== null
  const took = step.durationMs ?? (step.startedAt !== null && step.finishedAt === null ? now - millis(step.startedAt) : null)
  const running = step.finishedAt === null && step.startedAt !== null
  const line = (
    <>
      <StatusIcon status={step.status} state={step.state} />
      <span className="visually-hidden">{texts.state[step.state]}: </span>
      <span className="name cut">
        {step.name}
        {step.kind !== null && <small className="dim"> {step.kind}</small>}
      </span>
      <span className="track" aria-hidden="true">
        {bar && <i className={`bar ${step.status}`} style={{ insetInlineStart: `${bar.start}%`, width: `${bar.width}%` }} />}
      </span>
      <span className="took numbers">
        {took === null ? (
          <span className="dim">{reached ? '–' : texts.execution.notReached}</span>
        ) : (
          `${duration(Math.max(0, took))}${running ? '…' : ''}`
        )}
      </span>
    </>
  )
  if (!folds) return <div className="step">{line}</div>
  return (
    <details className="step-details" open={step.error !== null && !told}>
      <summary className="step">{line}</summary>
      <div className="step-body">
        {step.error && (
          <p className="message">
            {step.error.type && <b>{step.error.type}: </b>}
            {step.error.message}
          </p>
        )}
        {step.input !== null && <JsonTree label={texts.execution.input} value={step.input} />}
        {step.output !== null && <JsonTree label={texts.execution.output} value={step.output} />}
      </div>
    </details>
  )
}
