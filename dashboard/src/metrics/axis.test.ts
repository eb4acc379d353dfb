import { expect, test, vi } from 'vitest'
import { labels } from './axis'

const at = (iso: string): number => Date.parse(iso) / 1000
const HOUR = 3_600

// Days of other years have their year.
vi.setSystemTime('2026-11-29T00:00:00Z')

test('an axis has the day where one begins', () => {
  const splits = ['2026-11-28T21:00:00Z', '2026-11-28T22:00:00Z', '2026-11-28T23:00:00Z'].map(at)
  expect(labels(splits, HOUR, 'Europe/Berlin')).toEqual(['22:00\n28 Nov', '23:00', '00:00\n29 Nov'])
})

test('an axis of less than some minutes has seconds', () => {
  const splits = ['2026-11-28T21:00:50Z', '2026-11-28T21:01:00Z'].map(at)
  expect(labels(splits, 10, 'Europe/Berlin')).toEqual(['22:00:50\n28 Nov', '22:01:00'])
})

test('an axis names the time where clocks are put back', () => {
  const splits = ['2026-10-25T00:00:00Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'].map(at)
  expect(labels(splits, HOUR, 'Europe/Berlin')).toEqual(['02:00 CEST\n25 Oct', '02:00 CET', '03:00'])
  expect(labels([at('2026-10-24T22:00:00Z'), at('2026-10-25T23:00:00Z')], 24 * HOUR, 'Europe/Berlin')).toEqual(['25 Oct CEST', '26 Oct CET'])
})
