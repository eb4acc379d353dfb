import fc from 'fast-check'
import { expect, test } from 'vitest'
import { barOf, scaleOf } from './waterfall'

const at = (ms: number): string => new Date(1e12 + ms).toISOString()

test('steps lie on the scale of their run', () => {
  const steps = [
    { startedAt: at(0), finishedAt: at(250), durationMs: 250 },
    { startedAt: at(500), finishedAt: at(1000), durationMs: 500 },
    { startedAt: null, finishedAt: null, durationMs: null },
  ]
  const scale = scaleOf({ queuedAt: at(-100), startedAt: at(0), finishedAt: at(1000), steps }, 0)
  expect(steps.map((step) => barOf(step, scale, 0))).toEqual([{ start: 0, width: 25 }, { start: 50, width: 50 }, null])
})

test('a running step grows until now', () => {
  const step = { startedAt: at(500), finishedAt: null, durationMs: null }
  const now = 1e12 + 1000
  const scale = scaleOf({ queuedAt: at(0), startedAt: at(0), finishedAt: null, steps: [step] }, now)
  expect(barOf(step, scale, now)).toEqual({ start: 50, width: 50 })
})

test('a bar is within its track and can be seen, whatever the clocks of the engines say', () => {
  const time = fc.option(fc.integer({ min: -1e6, max: 1e6 }))
  const text = (value: number | null): string | null => (value === null ? null : at(value))
  fc.assert(
    fc.property(time, time, fc.array(fc.tuple(time, time)), (startedAt, finishedAt, given) => {
      const steps = given.map(([from, to]) => ({ startedAt: text(from), finishedAt: text(to), durationMs: null }))
      const scale = scaleOf({ queuedAt: at(0), startedAt: text(startedAt), finishedAt: text(finishedAt), steps }, 1e12)
      for (const step of steps) {
        const bar = barOf(step, scale, 1e12)
        if (bar === null) continue
        expect(bar.start).toBeGreaterThanOrEqual(0)
        expect(bar.width).toBeGreaterThan(0)
        expect(bar.start + bar.width).toBeLessThanOrEqual(100.000001)
      }
    }),
  )
})
