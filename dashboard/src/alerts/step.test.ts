import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stepped } from './step'

test.each([
  // Of failures in a row.
  [3, 1, true, 4], [3, 1, false, 2], [1, 1, false, 1], [100, 1, true, 100],
  // Of minutes: round ones, from the first on.
  [60, 5, true, 65], [60, 5, false, 55], [1, 5, true, 5], [7, 5, true, 10], [7, 5, false, 5], [5, 5, false, 1], [98, 5, true, 100],
  // Of a factor, which may have been typed with digits behind the point.
  [3, 0.5, true, 3.5], [3.3, 0.5, true, 3.5], [3.3, 0.5, false, 3], [1.2, 0.5, false, 1],
])('%d by %d, up: %s, is %d', (value, by, up, expected) => {
  expect(stepped(value, by, up, 1, 100)).toBe(expected)
})

test('a step goes its way, or stays at the bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.constantFrom(0.5, 1, 5), fc.boolean(), (value, by, up) => {
      const next = stepped(value, by, up, 1, 100)
      expect(up ? next > value || value === 100 : next < value || value === 1).toBe(true)
      expect(Math.abs(next - value)).toBeLessThanOrEqual(by)
    }),
  )
})
