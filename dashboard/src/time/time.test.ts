import { expect, test } from 'vitest'
import { absolute, ago, axisEnds, brief, clockTime, duration, millis, offset, until } from './time'

const NOON = '2026-11-28T12:01:24.325678Z'

test.each([
  [0, '0 ms'], [0.004, '0.1 ms'], [0.24, '0.2 ms'], [1, '1 ms'], [9.96, '10 ms'], [52.4, '52 ms'], [999.4, '999 ms'],
  [999.6, '1 s'], [6240, '6.2 s'], [59_949, '59.9 s'], [59_951, '1 min'], [185_000, '3 min 5 s'], [3_599_600, '1 h'],
  [7_800_000, '2 h 10 min'], [86_400_000, '1 d'], [273_600_000, '3 d 4 h'],
])('%s ms read as %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test.each([
  [0, '0 s ago'], [14_999, '14 s ago'], [60_000, '1 min ago'], [3_600_000, '1 h ago'], [200_000_000, '2 d ago'],
  [-5000, '0 s ago'],
])('%s ms before now', (ms, text) => {
  expect(ago(new Date(1e12 - ms).toISOString(), 1e12)).toBe(text)
})

test.each([
  [185_900, 'in 3 min 5 s'], [400, 'in 1 s'], [0, '0 s ago'], [-5000, '5 s ago'],
])('%s ms after now', (ms, text) => {
  expect(until(new Date(1e12 + ms).toISOString(), 1e12)).toBe(text)
})

test('absolute times carry their zone', () => {
  expect(absolute(NOON, 'UTC')).toBe('28 Nov 2026, 12:01:24 UTC')
  expect(absolute(NOON, 'Europe/Berlin')).toMatch(/^28 Nov 2026, 13:01:24 (CET|GMT\+1)$/)
  expect(absolute(NOON, 'Asia/Kolkata')).toMatch(/^28 Nov 2026, 17:31:24 GMT\+5:30$/)
  expect(brief(NOON, 'UTC', Date.parse(NOON))).toBe('28 Nov 12:01')
  expect(brief(NOON, 'UTC', Date.parse('2027-01-01T00:00:00Z'))).toBe('28 Nov 2026 12:01')
  expect(clockTime(NOON, 'UTC')).toBe('12:01:24.325')
})

test('an axis says which time its ends are in where the clocks change between them', () => {
  const now = Date.parse(NOON)
  expect(axisEnds('2026-11-27T12:00:00Z', '2026-11-28T12:00:00Z', 'Europe/Berlin', now)).toEqual(['27 Nov 13:00', '28 Nov 13:00'])
  const [summer, winter] = axisEnds('2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z', 'Europe/Berlin', now)
  expect(summer).toMatch(/^24 Oct 14:00 (CEST|GMT\+2)$/)
  expect(winter).toMatch(/^26 Oct 13:00 (CET|GMT\+1)$/)
})

test('microseconds are kept', () => {
  expect(millis(NOON) - Date.parse('2026-11-28T12:01:24.325Z')).toBeCloseTo(0.678, 2)
})

test.each([
  [0, '+0.000 s'], [1204.4, '+1.204 s'], [-10, '−0.010 s'], [59_999.7, '+1:00.000'], [125_120, '+2:05.120'],
  [3_661_002, '+1:01:01.002'],
])('%s ms after the start read as %s', (ms, text) => {
  expect(offset(ms)).toBe(text)
})
