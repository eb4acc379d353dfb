import type { JSX } from 'react'
import { JsonTree } from '../parts/json-tree'
import { StatusIcon } from '../parts/status'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { duration, millis } from '../time/time'
import type { Step } from './documents'
import { StepLog } from './step-log'
import { barOf, type Gap, type Scale } from './waterfall'

interface Props {
  step: Step
  index: number
  scale: Scale
  now: number
  /** Of the run: before it, waiting is drawn. */
  first: boolean
  gap: Gap | undefined
  gapAfter: Gap | undefined
  open: boolean
  executionId: string
  onToggle: (id: string) => void
  onLog: (step: Step) => void
}

/** A step as a row of the table: its bar, and below it what it had to say. */
export function StepRow({ step, index, scale, now, first, gap, gapAfter, open, executionId, onToggle, onLog }: Props): JSX.Element {
  const bar = barOf(step, scale, now)
  const running = step.finishedAt === null && step.startedAt !== null && step.status === 'PENDING'
  const took = step.durationMs ?? (running ? now - millis(step.startedAt!) : null)
  const measured = bar && bar.measured !== null ? runTexts.execution.measured(duration(bar.ms)) : null
  const note = [...(measured === null ? [] : [measured]), ...step.timeMarks.map((mark) => texts.history.marks[mark])].join('. ')
  const reached = step.startedAt !== null || step.durationMs !== null
  const bodyId = `step-body-${step.id}`
  return (
    <>
      {/* The button in it has the keys; the row is a larger target for the pointer. */}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events */}
      <div
        role="row"
        id={`step-${step.id}`}
        aria-rowindex={index + 2}
        className={`step ${reached ? 'reached' : ''} ${open ? 'open' : ''}`}
        onClick={(event) => {
          if (reached && !(event.target as Element).closest('button')) onToggle(step.id)
        }}
      >
        <span role="cell" className="state">
          <StatusIcon status={step.status} state={step.state} />
          <span className="visually-hidden">{texts.state[step.state]}</span>
        </span>
        <span role="cell" className="name">
          {reached ? (
            <button
              type="button"
              className="fold"
              aria-expanded={open}
              aria-controls={open ? bodyId : undefined}
              title={step.name}
              onClick={() => onToggle(step.id)}
            >
              <span className="cut">{step.name}</span>
            </button>
          ) : (
            <span className="cut" title={step.name}>
              {step.name}
            </span>
          )}
          {step.kind !== null && <small className="dim cut">{step.kind}</small>}
        </span>
        <span role="cell" className="track">
          {step.startedAt !== null && (
            <span className="visually-hidden">
              {runTexts.execution.starts(`+${duration(Math.max(0, millis(step.startedAt) - scale.start))}`)}
            </span>
          )}
          <span aria-hidden="true">
            {first && scale.lead > 0 && (
              <i className="wait" style={{ width: `${scale.lead}%` }} title={runTexts.execution.waited(duration(scale.waited))} />
            )}
            {[gap, gapAfter].map((each) => each && <GapMark key={each.start} gap={each} />)}
            {bar && (
              <i
                className={`bar ${step.status} ${running ? 'running' : ''} ${bar.measured === null ? '' : 'reported'}`}
                style={{ insetInlineStart: `${bar.start}%`, width: `${bar.width}%` }}
              >
                {bar.measured !== null && <i className={`bar ${step.status}`} style={{ insetInlineStart: 0, width: `${bar.measured}%` }} />}
              </i>
            )}
          </span>
        </span>
        <span role="cell" className="took numbers" title={note || undefined}>
          {took === null ? (
            <span className="dim">{reached ? runTexts.execution.noDuration : runTexts.execution.notReached}</span>
          ) : (
            `${duration(Math.max(0, took))}${running ? '…' : ''}`
          )}
          {note && <span className="visually-hidden"> ({note})</span>}
        </span>
      </div>
      {open && (
        <div role="row" className="step-body" id={bodyId}>
          <div role="cell" aria-colspan={4}>
            {step.error && (
              <p className="step-error">
                {step.error.type && <b>{step.error.type}: </b>}
                {step.error.message}
              </p>
            )}
            {step.error?.stackTrace && (
              <details>
                <summary>{runTexts.execution.stackTrace}</summary>
                <pre tabIndex={0} aria-label={runTexts.execution.stackTrace}>
                  {step.error.stackTrace}
                </pre>
              </details>
            )}
            {step.input !== null && <JsonTree label={runTexts.execution.input} value={step.input} />}
            {step.output !== null && <JsonTree label={runTexts.execution.output} value={step.output} />}
            <StepLog executionId={executionId} step={step} onShow={() => onLog(step)} />
          </div>
        </div>
      )}
    </>
  )
}

function GapMark({ gap }: { gap: Gap }): JSX.Element {
  return (
    <i className="gap" style={{ insetInlineStart: `${gap.start}%`, width: `${gap.width}%` }} title={runTexts.execution.gap(duration(gap.ms))}>
      <span>{duration(gap.ms)}</span>
    </i>
  )
}
