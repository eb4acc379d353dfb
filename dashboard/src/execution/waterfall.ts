import { millis } from '../time/time'
import type { Run, Step } from './documents'

/** The run's own time, from its start (or its queueing) to its end (or now); milliseconds. Pure. */
export interface Scale {
  start: number
  length: number
}

/** A bar in percent of the scale. */
export interface Bar {
  start: number
  width: number
}

/** What has happened within a hundredth of a percent can still be seen and pressed. */
const MIN_WIDTH = 0.8

type Times = Pick<Run, 'queuedAt' | 'startedAt' | 'finishedAt'> & { steps: readonly Pick<Step, 'startedAt' | 'finishedAt'>[] }

export function scaleOf(run: Times, now: number): Scale {
  const starts = run.steps.flatMap(({ startedAt }) => (startedAt === null ? [] : [millis(startedAt)]))
  const ends = run.steps.flatMap(({ finishedAt }) => (finishedAt === null ? [] : [millis(finishedAt)]))
  // Steps may lie outside of what the engine says of the run: the clocks of two machines differ.
  const start = Math.min(millis(run.startedAt ?? run.queuedAt), ...starts)
  const end = Math.max(run.finishedAt === null ? now : millis(run.finishedAt), ...ends, start + 0.001)
  return { start, length: end - start }
}

/** Null for a step that was not reached. */
export function barOf(step: Pick<Step, 'startedAt' | 'finishedAt' | 'durationMs'>, scale: Scale, now: number): Bar | null {
  if (step.startedAt === null) return null
  const from = millis(step.startedAt)
  const to = step.finishedAt === null ? (step.durationMs === null ? now : from + step.durationMs) : millis(step.finishedAt)
  const width = Math.min(100, Math.max(MIN_WIDTH, ((to - from) / scale.length) * 100))
  const start = Math.max(0, Math.min(100 - width, ((from - scale.start) / scale.length) * 100))
  return { start, width }
}
