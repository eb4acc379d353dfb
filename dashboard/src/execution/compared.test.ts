import { expect, test } from 'vitest'
import { tellingSteps, timesAsLong } from './compared'
import type { StepPair } from './documents'

const step = (durationMs: number | null): NonNullable<StepPair['before']> => ({
  id: 'step_1', state: 'SUCCEEDED', status: 'SUCCESS', durationMs,
})

test.each([
  [2, 5, '×2.5'], [1000, 10, '×0.1'], [null, 5, null], [0, 5, null], [5, null, null],
])('from %s ms to %s ms is %s', (before, after, said) => {
  expect(timesAsLong(step(before), step(after))).toBe(said)
})

test('steps that differ, or took longer or less, are told; the others are counted', () => {
  const pair = (kind: StepPair['kind'], before: number, after: number): StepPair => ({
    name: 's', kind, before: step(before), after: step(after),
  })
  const telling = [pair('CHANGED', 1, 1), pair(null, 10, 15), pair(null, 15, 10)]
  expect(tellingSteps([...telling, pair(null, 10, 14), pair(null, 10, 7)])).toEqual({ telling, alike: 2 })
})
