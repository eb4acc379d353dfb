import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, type Ref, useCallback, useImperativeHandle, useMemo, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { runTexts } from '../run-texts'
import { useNow } from '../time/clock'
import { duration } from '../time/time'
import type { Run, Step } from './documents'
import { PartTitle } from './part-title'
import { StepRow } from './step-row'
import { gapsOf, isDominated, scaleOf } from './waterfall'

/** Beyond this many, only the visible steps are in the document. */
const VIRTUAL_ABOVE = 100
const ROW = 28
/** Up to this many steps are shown without asking; the log below stays in the window. */
const SHORT = 6
/** Fewer need no choices. */
const CHOICES_ABOVE = 4

export interface StepsHandle {
  /** Unfold a step, and put the focus on it. */
  show(id: string): void
}

/** The steps as bars on the run's own scale; each folds open to its error, input, output and log. */
export function Steps({ run, onLog, ref }: { run: Run; onLog: (step: Step) => void; ref: Ref<StepsHandle> }): JSX.Element {
  const [onlyFailed, setOnlyFailed] = useState(false)
  const [slowest, setSlowest] = useState(false)
  const [logarithmic, setLogarithmic] = useState(false)
  const [long, setLong] = useState(false)
  // The step that was asked for stays in the document, wherever one scrolls.
  const [shown, setShown] = useState<string | null>(null)
  // What the run's own error says stands above: unfolded again, it would push the log out of the window.
  const [open, setOpen] = useState<ReadonlySet<string>>(
    () => new Set(run.steps.filter(({ error }) => error !== null && error.message !== run.error?.message).slice(0, 1).map(({ id }) => id)),
  )
  const running = run.finishedAt === null && run.startedAt !== null
  const now = useNow(running)
  const scroller = useRef<HTMLDivElement>(null)
  const failed = run.steps.filter((step) => step.status === 'FAILURE')
  const all = useMemo(
    () => (slowest ? run.steps.toSorted((a, b) => (b.durationMs ?? -1) - (a.durationMs ?? -1)) : run.steps),
    [run.steps, slowest],
  )
  const steps = useMemo(() => (onlyFailed ? all.filter(({ status }) => status === 'FAILURE') : all), [all, onlyFailed])
  // A short window on many steps begins where the run broke, or where it is.
  const [startTop] = useState(() => {
    const broke = run.steps.findIndex((step) => step.id === run.failedStep?.id)
    const at = broke >= 0 ? broke : run.steps.findIndex((step) => step.status === 'PENDING' && step.startedAt !== null)
    return at > SHORT - 2 ? (at - 2) * ROW : 0
  })
  const place = useCallback(
    (element: HTMLDivElement | null) => {
      scroller.current = element
      if (element) element.scrollTop = startTop
    },
    [startTop],
  )
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    initialOffset: startTop,
    getItemKey: (index) => steps[index]!.id,
    enabled: steps.length > VIRTUAL_ABOVE,
    rangeExtractor: (range) => {
      const inSight = defaultRangeExtractor(range)
      const index = shown === null ? -1 : steps.findIndex(({ id }) => id === shown)
      return index < 0 || inSight.includes(index) ? inSight : [...inSight, index].toSorted((a, b) => a - b)
    },
  })
  const toggle = useCallback((id: string) => {
    setLong(true) // what somebody unfolds has room
    setOpen((before) => {
      const after = new Set(before)
      if (!after.delete(id)) after.add(id)
      return after
    })
  }, [])
  useImperativeHandle(ref, () => ({
    show(id) {
      // At once: the next key is that of the step, however soon it comes.
      flushSync(() => {
        setOnlyFailed(false)
        setOpen((before) => new Set(before).add(id))
        setShown(id)
      })
      const row = document.getElementById(`step-${id}`)
      row?.querySelector('button')?.focus({ preventScroll: true })
      if (run.steps.length > VIRTUAL_ABOVE) virtual.scrollToIndex(all.findIndex((step) => step.id === id), { align: 'center' })
      row?.scrollIntoView({ block: 'nearest' })
    },
  }))

  const linear = scaleOf(run, now)
  const dominated = isDominated(run.steps, linear, now)
  const scale = dominated && logarithmic ? scaleOf(run, now, true) : linear
  const gaps = slowest || onlyFailed ? [] : gapsOf(run.steps, scale, now)
  const lastReached = run.steps.findLast(({ startedAt }) => startedAt !== null)?.id
  const row = (step: Step, index: number): JSX.Element => (
    <StepRow
      step={step}
      index={index}
      scale={scale}
      now={now}
      first={step.id === run.steps[0]?.id}
      gap={gaps.find(({ before }) => before === step.id)}
      gapAfter={step.id === lastReached ? gaps.find(({ before }) => before === null) : undefined}
      open={open.has(step.id)}
      executionId={run.id}
      onToggle={toggle}
      onLog={onLog}
    />
  )
  const isLong = steps.length > SHORT
  return (
    <section className="part steps-part" aria-labelledby="part-steps">
      <header>
        <PartTitle id="part-steps">{runTexts.execution.steps(run.steps.length)}</PartTitle>
        {!run.steps.length && <p className="dim">{runTexts.execution.noSteps}</p>}
        {run.steps.length > CHOICES_ABOVE && (
          <>
            <button type="button" aria-pressed={onlyFailed} aria-disabled={!failed.length} onClick={() => failed.length && setOnlyFailed(!onlyFailed)}>
              {runTexts.execution.onlyFailed(failed.length)}
            </button>
            <button type="button" aria-pressed={slowest} onClick={() => setSlowest(!slowest)}>
              {runTexts.execution.slowestFirst}
            </button>
          </>
        )}
        {dominated && (
          <button type="button" aria-pressed={logarithmic} title={runTexts.execution.logScaleHint} onClick={() => setLogarithmic(!logarithmic)}>
            {runTexts.execution.logScale}
          </button>
        )}
        {isLong && (
          <button type="button" className="link" aria-expanded={long} onClick={() => setLong(!long)}>
            {long ? runTexts.execution.fewerSteps : runTexts.execution.allSteps}
          </button>
        )}
      </header>
      {run.steps.length > 0 && (
        <div className="steps">
          <div role="table" aria-label={runTexts.execution.steps(steps.length)} aria-rowcount={steps.length + 1}>
            <div role="row" className="step steps-head" aria-rowindex={1}>
              <span role="columnheader">
                <span className="visually-hidden">{runTexts.execution.columns.state}</span>
              </span>
              <span role="columnheader" className="name">
                <span className="visually-hidden">{runTexts.execution.columns.step}</span>
                {scale.lead > 0 && (
                  <span className="waited dim" aria-hidden="true">
                    {runTexts.execution.waited(duration(scale.waited))}
                  </span>
                )}
              </span>
              <span role="columnheader" className="scale numbers dim">
                <span className="visually-hidden">{runTexts.execution.columns.start}</span>
                <span aria-hidden="true" className="marks">
                  {scale.lead > 0 && <span style={{ width: `${scale.lead}%` }} />}
                  <span className="ticks">
                    <span>0</span>
                    {!(dominated && logarithmic) && <span>{duration(scale.length / 2)}</span>}
                    <span>{duration(scale.length)}</span>
                  </span>
                </span>
              </span>
              <span role="columnheader" className="took">
                <span className="visually-hidden">{runTexts.execution.columns.took}</span>
              </span>
            </div>
            <div ref={place} role="rowgroup" className={`steps-rows ${isLong ? (long ? 'long' : 'short') : ''}`} tabIndex={isLong ? 0 : undefined}>
              {steps.length > VIRTUAL_ABOVE ? (
                <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
                  {virtual.getVirtualItems().map((item) => (
                    <div
                      key={item.key}
                      role="presentation"
                      data-index={item.index}
                      ref={virtual.measureElement}
                      style={{ position: 'absolute', insetInline: 0, transform: `translateY(${item.start}px)` }}
                    >
                      {row(steps[item.index]!, item.index)}
                    </div>
                  ))}
                </div>
              ) : (
                steps.map((step, index) => (
                  <div role="presentation" key={step.id}>
                    {row(step, index)}
                  </div>
                ))
              )}
            </div>
          </div>
        </div>
      )}
    </section>
  )
}
