import fc from 'fast-check'
import { expect, test } from 'vitest'
import { barOf, gapsOf, isDominated, scaleOf } from './waterfall'

const at = (ms: number): string => new Date(1e12 + ms).toISOString()
const step = (from: number | null, to: number | null, id = 'a') => ({
  id,
  startedAt: from === null ? null : at(from),
  finishedAt: to === null ? null : at(to),
  durationMs: from === null || to === null ? null : to - from,
})
const run = (queued: number, started: number, finished: number | null, steps: ReturnType<typeof step>[]) => ({
  queuedAt: at(queued),
  startedAt: at(started),
  finishedAt: finished === null ? null : at(finished),
  steps,
})

test('steps lie on the scale of their run', () => {
  const steps = [step(0, 250), step(500, 1000), step(null, null)]
  const scale = scaleOf(run(0, 0, 1000, steps), 0)
  expect(steps.map((each) => barOf(each, scale, 0))).toEqual([
    { start: 0, width: 25, ms: 250, measured: null }, { start: 50, width: 50, ms: 500, measured: null }, null,
  ])
})

test('a running step grows until now', () => {
  const running = step(500, null)
  const now = 1e12 + 1000
  const scale = scaleOf(run(0, 0, null, [running]), now)
  expect(barOf(running, scale, now)).toMatchObject({ start: 50, width: 50 })
})

test.each([
  [500, null], [530, null], [200, 40], [0, 0.8], [900, 100],
])('of a bar of 500 ms, the %s ms that its engine measured are %s percent', (durationMs, measured) => {
  const measuredStep = { ...step(500, 1000), durationMs }
  expect(barOf(measuredStep, scaleOf(run(0, 0, 1000, [measuredStep]), 0), 0)).toMatchObject({ width: 50, ms: 500, measured })
})

test('waiting takes its part of the track, and never most of it', () => {
  const steps = [step(0, 1000)]
  expect(scaleOf(run(-5, 0, 1000, steps), 0)).toMatchObject({ waited: 5, lead: 0 })
  expect(scaleOf(run(-111, 0, 1000, steps), 0).lead).toBeCloseTo(10, 1)
  const long = scaleOf(run(-3_600_000, 0, 1000, steps), 0)
  expect(long).toMatchObject({ waited: 3_600_000, lead: 16 })
  expect(barOf(steps[0]!, long, 0)).toMatchObject({ start: 16, width: 84 })
})

test('long gaps are told, with the step that ended them', () => {
  const steps = [step(0, 100, 'a'), step(90, 120, 'b'), step(500, 600, 'c')]
  const scale = scaleOf(run(0, 0, 1000, steps), 0)
  expect(gapsOf(steps, scale, 0)).toEqual([
    { start: 12, width: 38, ms: 380, before: 'c' },
    { start: 60, width: 40, ms: 400, before: null },
  ])
})

test('one step that takes nearly all asks for a log scale, on which the others are seen', () => {
  const steps = [step(0, 300), step(400, 799_000), step(799_000, 799_200)]
  const times = run(0, 0, 799_200, steps)
  const linear = scaleOf(times, 0)
  expect(isDominated(steps, linear, 0)).toBe(true)
  expect(isDominated(steps.slice(1, 2), linear, 0)).toBe(false)
  const warped = scaleOf(times, 0, true)
  const widths = steps.map((each) => barOf(each, warped, 0)!.width)
  expect(Math.min(...widths)).toBeGreaterThan(5)
  expect(widths[1]).toBe(Math.max(...widths))
})

test('a bar is within its track and can be seen, whatever the clocks of the engines say', () => {
  const time = fc.option(fc.integer({ min: -1e6, max: 1e6 }))
  fc.assert(
    fc.property(time, time, fc.array(fc.tuple(time, time)), fc.boolean(), (startedAt, finishedAt, given, logarithmic) => {
      const steps = given.map(([from, to]) => ({ ...step(from, to), durationMs: null }))
      const text = (value: number | null): string | null => (value === null ? null : at(value))
      const times = { queuedAt: at(0), startedAt: text(startedAt), finishedAt: text(finishedAt), steps }
      const scale = scaleOf(times, 1e12, logarithmic)
      let before = -1
      for (const moment of [-2e6, -1e6, -1000, 0, 1000, 1e6, 2e6]) {
        expect(scale.place(1e12 + moment)).toBeGreaterThanOrEqual(before) // later is never further left
        before = scale.place(1e12 + moment)
      }
      for (const each of steps) {
        const bar = barOf(each, scale, 1e12)
        if (bar === null) continue
        expect(bar.start).toBeGreaterThanOrEqual(0)
        expect(bar.width).toBeGreaterThan(0)
        expect(bar.start + bar.width).toBeLessThanOrEqual(100.000001)
      }
    }),
  )
})
