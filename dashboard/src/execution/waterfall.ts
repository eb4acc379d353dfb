import { millis } from '../time/time'
import type { Run, Step } from './documents'

/** The run's own time, from its start (or its queueing) to its end (or now), as places on a track. Pure. */
export interface Scale {
  /** Milliseconds since 1970. */
  start: number
  length: number
  /** Milliseconds from queueing to the start. */
  waited: number
  /** What of the track waiting takes, in percent; 0 when it was short. */
  lead: number
  /** Where a moment lies, in percent of the track. */
  place(at: number): number
}

/** In percent of the track. */
export interface Bar {
  start: number
  width: number
}

/** The bar of a step: from its start to its end, as it was reported. */
export interface StepBar extends Bar {
  /** Milliseconds from its start to its end. */
  ms: number
  /** What of it the engine's own figure covers, in percent of the bar; null where both agree. */
  measured: number | null
}

/** Time in which no step ran. */
export interface Gap extends Bar {
  ms: number
  /** The step that began after it; null: none did. */
  before: string | null
}

/** What has happened within a hundredth of a percent can still be seen and pressed. */
const MIN_WIDTH = 0.8
/** However long it waited, the run itself keeps most of the track. */
const MAX_LEAD = 16
const MIN_LEAD = 2
/** A gap longer than this part of the run has its length written. */
const LONG_GAP = 0.2
/** The engine's figure of a step and its two reports agree when they differ by less than this part, or by so many ms. */
const AGREE = 0.1
const AGREE_MS = 0.15
/** A step that takes more than this part of the run hides the others. */
const DOMINANT = 0.95

type StepTimes = Pick<Step, 'startedAt' | 'finishedAt' | 'durationMs'>
type Times = Pick<Run, 'queuedAt' | 'startedAt' | 'finishedAt'> & { steps: readonly StepTimes[] }
interface Span {
  from: number
  to: number
}

function spanOf(step: StepTimes, now: number): Span | null {
  if (step.startedAt === null) return null
  const from = millis(step.startedAt)
  const to = step.finishedAt === null ? (step.durationMs === null ? now : from + step.durationMs) : millis(step.finishedAt)
  return { from, to: Math.max(from, to) }
}

export function scaleOf(run: Times, now: number, logarithmic = false): Scale {
  const spans = run.steps.flatMap((step) => spanOf(step, now) ?? [])
  // Steps may lie outside of what the engine says of the run: the clocks of two machines differ.
  let start = millis(run.startedAt ?? run.queuedAt)
  let end = Math.max(run.finishedAt === null ? now : millis(run.finishedAt), start + 0.001)
  for (const { from, to } of spans) {
    start = Math.min(start, from)
    end = Math.max(end, to)
  }
  const length = end - start
  const waited = Math.max(0, start - millis(run.queuedAt))
  const share = Math.min(MAX_LEAD, (waited / (waited + length)) * 100)
  const lead = share < MIN_LEAD ? 0 : share
  const within = logarithmic ? warped(start, end, spans) : (at: number) => (at - start) / length
  return { start, length, waited, lead, place: (at) => lead + Math.max(0, Math.min(1, within(at))) * (100 - lead) }
}

/** Each stretch between two ends of steps gets the logarithm of its length, so that short ones can be seen beside long ones. */
function warped(start: number, end: number, spans: readonly Span[]): (at: number) => number {
  const knots = [...new Set([start, ...spans.flatMap(({ from, to }) => [from, to]), end])].toSorted((a, b) => a - b)
  const unit = (end - start) / 10_000
  const places = [0]
  for (let at = 1; at < knots.length; at++) places.push(places[at - 1]! + Math.log2(1 + (knots[at]! - knots[at - 1]!) / unit))
  const total = places.at(-1)!
  return (at) => {
    let low = 0
    while (low < knots.length - 2 && knots[low + 1]! <= at) low++
    const [from, to] = [knots[low]!, knots[low + 1]!]
    const part = Math.max(0, Math.min(1, (at - from) / (to - from)))
    return (places[low]! + part * (places[low + 1]! - places[low]!)) / total
  }
}

/** Null for a step that was not reached. */
export function barOf(step: StepTimes, scale: Scale, now: number): StepBar | null {
  const span = spanOf(step, now)
  if (!span) return null
  const [from, to] = [scale.place(span.from), scale.place(span.to)]
  const width = Math.min(100, Math.max(MIN_WIDTH, to - from))
  const ms = span.to - span.from
  const apart = step.durationMs === null ? 0 : Math.abs(ms - step.durationMs)
  const agree = step.durationMs === null || apart <= AGREE_MS || apart <= ms * AGREE
  const measured = agree ? null : Math.min(100, Math.max(MIN_WIDTH, ((scale.place(span.from + step.durationMs!) - from) / width) * 100))
  return { start: Math.max(0, Math.min(100 - width, from)), width, ms, measured }
}

/** The long stretches in which no step ran: between steps, before the first, and after the last of a finished run. */
export function gapsOf(steps: readonly (StepTimes & { id: string })[], scale: Scale, now: number): Gap[] {
  const spans = steps.flatMap((step) => {
    const span = spanOf(step, now)
    return span ? [{ ...span, id: step.id }] : []
  })
  if (!spans.length) return []
  spans.sort((a, b) => a.from - b.from)
  const gaps: Gap[] = []
  const add = (from: number, to: number, before: string | null): void => {
    if (to - from <= scale.length * LONG_GAP) return
    const start = scale.place(from)
    gaps.push({ start, width: scale.place(to) - start, ms: to - from, before })
  }
  let covered = scale.start
  for (const { from, to, id } of spans) {
    add(covered, from, id)
    covered = Math.max(covered, to)
  }
  add(covered, scale.start + scale.length, null)
  return gaps
}

/** Whether one of several steps takes so much of the run that the others cannot be seen. */
export function isDominated(steps: readonly StepTimes[], scale: Scale, now: number): boolean {
  const spans = steps.flatMap((step) => spanOf(step, now) ?? [])
  return spans.length > 1 && spans.some(({ from, to }) => to - from > scale.length * DOMINANT)
}
