import type { VariablesOf } from '../api/graphql'
import { number, tenths } from '../counts'
import type { ExecutionFilter } from '../filter/api-filter'
import { type Choice, NOTHING, type Parsed, parseChoice, parseRange, writeChoice } from '../filter/filter'
import { metricsTexts as texts } from '../metrics-texts'
import type { Figures, Point } from './documents'

/** What the page of figures shows, worked out from its address and the API's answer. Pure: no React, no DOM. */

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const USUAL = '24h'
/** Of fewer finished runs, a share or a duration says little. */
export const FEW = 20

export type MetricsFilter = VariablesOf<typeof Figures>['filter']

/** Instants in ms; `to` is exclusive. */
export interface Window {
  from: number
  to: number
}

/** Orders of the workflows, by their names in an address: those to look at first come first. */
export const ORDERS = { failed: 'FAILED', runs: 'TOTAL', rate: 'SUCCESS_RATE', average: 'AVERAGE_DURATION', p95: 'P95_DURATION' } as const
export type Order = keyof typeof ORDERS

/**
 * What an address says: what narrows figures (time, workflow, engine and trigger), and the order of the workflows. The
 * rest of what history knows is unknown here.
 */
export function figuresChoice(query: string): Parsed & { order: Order } {
  const given = new URLSearchParams(query)
  const sort = given.get('sort') ?? ''
  const order = sort in ORDERS ? (sort as Order) : 'failed'
  if (sort in ORDERS) given.delete('sort')
  const { choice, unknown } = parseChoice(given.toString())
  const { workflow, engine, trigger, range, from, to } = choice
  const ours = { workflow, engine, trigger, range, from, to }
  const rest = writeChoice({ ...choice, workflow: [], engine: [], trigger: [], range: null, from: null, to: null })
  return { choice: { ...NOTHING, ...ours }, unknown: [...unknown, ...[...rest].map(([name, value]) => `${name}=${value}`)], order }
}

/** Write what figuresChoice reads. */
export function writeFigures(choice: Choice, order: Order): URLSearchParams {
  const query = writeChoice(choice)
  if (order !== 'failed') query.set('sort', order)
  return query
}

/** The choice with its time, which is the last day where an address names none. */
export function timed(choice: Choice): Choice {
  const any = choice.range === null && choice.from === null && choice.to === null
  return any ? { ...choice, range: USUAL } : choice
}

/** Whether the window moves on with the clock. */
export function isOpen({ to }: Choice): boolean {
  return to === null
}

export function windowOf(choice: Choice, now: number): Window {
  const to = choice.to === null ? now : Date.parse(choice.to)
  if (choice.from !== null) return { from: Date.parse(choice.from), to }
  const length = choice.range === null ? DAY_MS : (parseRange(choice.range)?.ms ?? DAY_MS)
  return { from: choice.to === null || choice.range === null ? to - length : now - length, to }
}

/** As long a time, right before it. */
export function windowBefore({ from, to }: Window): Window {
  return { from: from - (to - from), to: from }
}

/** `workflows`: ids of those that the choice names; null where it names none. */
export function metricsFilter(choice: Choice, { from, to }: Window, workflows: readonly string[] | null): MetricsFilter {
  const filter: MetricsFilter = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
  if (workflows !== null) filter.workflowId = [...workflows]
  if (choice.engine.length) filter.engine = choice.engine
  if (choice.trigger.length) filter.triggerKind = choice.trigger
  return filter
}

/** What is unfinished now, whenever it was queued. */
export function pendingFilter(choice: Choice): ExecutionFilter {
  return { ...narrowedTo(choice), status: ['PENDING'] }
}

/** What of a window failed, and nobody has mended. */
export function unresolvedFilter(choice: Choice, { from, to }: Window): ExecutionFilter {
  return { ...narrowedTo(choice), unresolved: true, queuedFrom: new Date(from).toISOString(), queuedTo: new Date(to).toISOString() }
}

function narrowedTo(choice: Choice): ExecutionFilter {
  const filter: ExecutionFilter = {}
  if (choice.workflow.length) filter.workflowName = choice.workflow
  if (choice.engine.length) filter.engine = choice.engine
  if (choice.trigger.length) filter.triggerKind = choice.trigger
  return filter
}

/** The part of history behind a figure: the same filters and time, and what makes it that figure. */
export function behind(choice: Choice, more: Partial<Choice> = {}): URLSearchParams {
  return writeChoice({ ...timed(choice), ...more })
}

/** The runs that a share is of, and those that a duration is of, the longest first. */
export const FINISHED = { status: ['FAILURE', 'SUCCESS'] } satisfies Partial<Choice>
export const SLOWEST = { ...FINISHED, sort: { field: 'duration', descending: true } } satisfies Partial<Choice>

/** The part of history that is unfinished now, the oldest first. */
export function pendingBehind({ workflow, engine, trigger }: Choice): URLSearchParams {
  return writeChoice({ ...NOTHING, workflow, engine, trigger, status: ['PENDING'], sort: { field: 'queued', descending: false } })
}

/** The part of history behind one point of a trend. */
export function behindPoint(choice: Choice, { start, end }: Pick<Point, 'start' | 'end'>, more: Partial<Choice> = {}): URLSearchParams {
  return behind(choice, { range: null, from: start, to: end, ...more })
}

/** `97.2 %`; never 100 % while something failed, nor 0 % while something did not. */
export function percent(value: number): string {
  if (value > 0 && value < 0.1) return texts.less('0.1')
  if (value > 99.9 && value < 100) return texts.more('99.9')
  return texts.percent(tenths(value))
}

export interface Change {
  sign: '▲' | '▼' | '='
  value: string
}

/** How a share has changed, in percentage points. Null: one of them is not known. */
export function pointsOf(now: number | null, before: number | null): Change | null {
  if (now === null || before === null) return null
  const by = now - before
  const value = tenths(Math.abs(by))
  return { sign: value === '0' ? '=' : by > 0 ? '▲' : '▼', value: texts.points(value) }
}

/** How a quantity has changed, in per cent of what it was. Null: there is nothing to compare it with. */
export function ratioOf(now: number | null, before: number | null): Change | null {
  if (now === null || before === null || before === 0) return null
  const by = ((now - before) / before) * 100
  const value = Math.abs(by) < 10 ? tenths(Math.abs(by)) : number.format(Math.round(Math.abs(by)))
  return { sign: value === '0' ? '=' : by > 0 ? '▲' : '▼', value: texts.percent(value) }
}

/** Since when no run of a window has been deleted by its age, in ms; null: none of it is that old. */
export function keptFrom({ from }: Window, keptDays: number | null, now: number): number | null {
  const since = keptDays === null ? null : now - keptDays * DAY_MS
  return since === null || from >= since ? null : since
}

/** So many in a window, for each hour of it. */
export function perHour(count: number, { from, to }: Window): string {
  const rate = count / ((to - from) / HOUR_MS)
  return rate > 0 && rate < 0.1 ? `< 0.1` : rate < 10 ? tenths(rate) : number.format(Math.round(rate))
}

/** The number of the bucket in which an instant lies; that of the nearest one for an instant beside all of them. */
export function bucketAt(points: readonly Pick<Point, 'end'>[], at: number): number {
  const found = points.findIndex(({ end }) => at < Date.parse(end))
  return found < 0 ? points.length - 1 : found
}

/** The time from the bucket in which one instant lies to the end of that of another. */
export function spanOf(points: readonly Pick<Point, 'start' | 'end'>[], one: number, other: number): { from: string; to: string } | null {
  const [low, high] = [Math.min(one, other), Math.max(one, other)]
  const first = points.find(({ end }) => Date.parse(end) > low)
  const last = points.findLast(({ start }) => Date.parse(start) < high)
  return first && last && first.start <= last.start ? { from: first.start, to: last.end } : null
}

/** The point with the most failures; null without a failure. */
export function worstOf(points: readonly Point[]): Point | null {
  return points.reduce<Point | null>((most, point) => (point.failed > (most?.failed ?? 0) ? point : most), null)
}

/** Least and greatest of what is known; null for none. */
export function extent(values: readonly (number | null)[]): [number, number] | null {
  const known = values.filter((value) => value !== null)
  return known.length ? [Math.min(...known), Math.max(...known)] : null
}
