import { describe, expect, test } from 'vitest'
import { NOTHING } from '../filter/filter'
import {
  behind, behindPoint, bucketAt, extent, figuresChoice, isOpen, keptFrom, metricsFilter, pendingBehind, pendingFilter, percent, perHour, pointsOf, ratioOf, spanOf,
  timed, windowBefore, windowOf, worstOf, writeFigures,
} from './figures'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-28T12:00:00Z')
const iso = (at: number): string => new Date(at).toISOString()
const point = (at: number, failed = 0): Parameters<typeof worstOf>[0][number] => ({
  start: iso(at), end: iso(at + HOUR), total: 9, succeeded: 9 - failed, failed, p50DurationMs: null, p95DurationMs: null,
})

describe('the address', () => {
  test('narrows by time, workflow, engine and trigger; the rest is named', () => {
    const { choice, unknown } = figuresChoice('workflow=a&engine=b&trigger=c&range=7d&status=FAILURE&q=x&colour=red')
    expect(choice).toEqual({ ...NOTHING, workflow: ['a'], engine: ['b'], trigger: ['c'], range: '7d' })
    expect(unknown.toSorted()).toEqual(['colour=red', 'q=x', 'status=FAILURE'])
  })

  test('has the order of the workflows; an unknown one is named', () => {
    expect(figuresChoice('range=7d&sort=rate')).toMatchObject({ order: 'rate', unknown: [] })
    expect(figuresChoice('range=7d&sort=-queued').order).toBe('failed')
    expect(figuresChoice('sort=odd').unknown).toEqual(['sort=odd'])
    expect(writeFigures({ ...NOTHING, range: '7d' }, 'rate').toString()).toBe('range=7d&sort=rate')
    expect(writeFigures(NOTHING, 'failed').size).toBe(0)
  })

  test('without a time means the last day, also in links to the runs', () => {
    expect(timed(NOTHING).range).toBe('24h')
    expect(timed({ ...NOTHING, to: iso(NOW) }).range).toBeNull()
    expect(behind({ ...NOTHING, workflow: ['a'] }, { status: ['FAILURE'] }).toString()).toBe('status=FAILURE&workflow=a&range=24h')
    const { start, end } = point(NOW)
    expect(Object.fromEntries(behindPoint({ ...NOTHING, range: '7d' }, { start, end }))).toEqual({ from: start, to: end })
  })
})

test.each([
  [{}, NOW - 24 * HOUR, NOW],
  [{ range: '6h' }, NOW - 6 * HOUR, NOW],
  [{ from: iso(NOW - 2 * HOUR) }, NOW - 2 * HOUR, NOW],
  [{ to: iso(NOW - HOUR) }, NOW - 25 * HOUR, NOW - HOUR],
  [{ from: iso(NOW - 3 * HOUR), to: iso(NOW - HOUR) }, NOW - 3 * HOUR, NOW - HOUR],
])('the window of %j, and the one before it', (part, from, to) => {
  const found = windowOf({ ...NOTHING, ...part }, NOW)
  expect(found).toEqual({ from, to })
  expect(windowBefore(found)).toEqual({ from: from - (to - from), to: from })
  expect(isOpen({ ...NOTHING, ...part })).toBe(!('to' in part))
})

test('the API gets only what constrains; no workflow of a name is none, not any', () => {
  const window = { from: 0, to: HOUR }
  expect(metricsFilter(NOTHING, window, null)).toEqual({ from: iso(0), to: iso(HOUR) })
  expect(metricsFilter({ ...NOTHING, workflow: ['gone'], engine: ['e'], trigger: ['t'] }, window, [])).toEqual({
    from: iso(0), to: iso(HOUR), workflowId: [], engine: ['e'], triggerKind: ['t'],
  })
  expect(pendingBehind({ ...NOTHING, workflow: ['a'], range: '1h' }).toString()).toBe('status=PENDING&workflow=a&sort=queued')
  expect(pendingFilter({ ...NOTHING, workflow: ['a'], range: '1h' })).toEqual({ status: ['PENDING'], workflowName: ['a'] })
})

test.each([
  [0, '0 %'], [0.04, '< 0.1 %'], [97.24, '97.2 %'], [99.96, '> 99.9 %'], [100, '100 %'],
])('the share %s is written %s', (value, written) => {
  expect(percent(value)).toBe(written)
})

test('an instant is in its bucket, to its end; beside all of them in the nearest', () => {
  const points = [point(NOW), point(NOW + HOUR)]
  expect([NOW - 1, NOW, NOW + HOUR - 1, NOW + HOUR, NOW + 9 * HOUR].map((at) => bucketAt(points, at))).toEqual([0, 0, 0, 1, 1])
})

test('a change says what it can, and nothing of what is not known', () => {
  expect(pointsOf(97.2, 97.6)).toEqual({ sign: '▼', value: '0.4 points' })
  expect(pointsOf(97.2, 97.21)).toEqual({ sign: '=', value: '0 points' })
  expect(pointsOf(null, 97)).toBeNull()
  expect(ratioOf(112, 100)).toEqual({ sign: '▲', value: '12 %' })
  expect(ratioOf(99.5, 100)).toEqual({ sign: '▼', value: '0.5 %' })
  expect(ratioOf(25, 1)).toEqual({ sign: '▲', value: '2,400 %' })
  expect(ratioOf(0, 4)).toEqual({ sign: '▼', value: '100 %' })
  expect(ratioOf(4, 0)).toBeNull()
  expect(ratioOf(4, null)).toBeNull()
})

test.each([[12_408, '517'], [30, '1.3'], [1, '< 0.1'], [0, '0']])('%s runs of a day are %s an hour', (count, rate) => {
  expect(perHour(count, { from: 0, to: 24 * HOUR })).toBe(rate)
})

test('a window that is longer than runs are kept says since when they are', () => {
  const week = { from: NOW - 168 * HOUR, to: NOW }
  expect(keptFrom(week, 2, NOW)).toBe(NOW - 48 * HOUR)
  expect(keptFrom(week, 7, NOW)).toBeNull()
  expect(keptFrom(week, null, NOW)).toBeNull()
})

test('a brush takes whole buckets', () => {
  const points = [point(NOW), point(NOW + HOUR), point(NOW + 2 * HOUR)]
  expect(spanOf(points, NOW + 2.5 * HOUR, NOW + 1.2 * HOUR)).toEqual({ from: points[1]!.start, to: points[2]!.end })
  expect(spanOf(points, NOW + HOUR, NOW + 2 * HOUR)).toEqual({ from: points[1]!.start, to: points[1]!.end })
  expect(spanOf([], 0, 1)).toBeNull()
})

test('sentences have their figures', () => {
  expect(worstOf([point(0), point(HOUR, 2), point(2 * HOUR, 2)])?.start).toBe(iso(HOUR))
  expect(worstOf([point(0)])).toBeNull()
  expect(extent([null, 3, 1])).toEqual([1, 3])
  expect(extent([null])).toBeNull()
})
