import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowHeights } from './row-heights'

test('rows lie one below the other, and a distance leads back to its row', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2_999), fc.integer({ min: 10, max: 400 })), { maxLength: 60 }), fc.nat(100_000), (measured, distance) => {
      const rows = new RowHeights(22, 3_000)
      const heights = Array.from({ length: 3_000 }, () => 22)
      for (const [place, height] of measured) {
        expect(rows.set(place, height)).toBe(height - heights[place]!)
        heights[place] = height
      }
      let top = 0
      const tops = heights.map((height) => (top += height) - height)
      expect(rows.total).toBe(top)
      for (const place of [0, 511, 512, 1_500, 2_999]) {
        expect(rows.top(place)).toBe(tops[place])
        expect(rows.at(tops[place]!)).toBe(place)
      }
      expect(rows.at(distance)).toBe(Math.max(0, tops.findLastIndex((each) => each <= distance)))
      rows.clear()
      expect(rows.total).toBe(22 * 3_000)
    }),
  )
})
