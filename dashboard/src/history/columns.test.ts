import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALL, COLUMNS, fitting, moved, parseColumns, USUAL } from './columns'

const chosen = fc.shuffledSubarray([...ALL]).map((columns) => [
  ...columns,
  ...ALL.filter((column) => COLUMNS[column].yields === 0 && !columns.includes(column)),
])

describe('columns', () => {
  test('that fit keep their order, and those that always show', () => {
    fc.assert(
      fc.property(chosen, fc.integer({ min: 0, max: 3000 }), (columns, width) => {
        const shown = fitting(columns, width)
        expect(shown).toEqual(columns.filter((column) => shown.includes(column)))
        expect(shown).toEqual(expect.arrayContaining(ALL.filter((column) => COLUMNS[column].yields === 0)))
        expect(fitting(columns, width + 100)).toEqual(expect.arrayContaining(shown))
      }),
    )
  })

  test('all show where there is room, and the least needed go first where there is none', () => {
    expect(fitting(ALL, 3000)).toEqual(ALL)
    expect(fitting(USUAL, 830)).toEqual(['status', 'workflow', 'happened', 'queued', 'duration'])
  })

  test('are read back, unless one is unknown, twice there, or missing', () => {
    fc.assert(
      fc.property(chosen, (columns) => {
        expect(parseColumns([...columns])).toEqual(columns)
      }),
    )
    for (const wrong of [null, 'status', [], ['status'], [...USUAL, 'size'], [...USUAL, 'status'], [...USUAL, 1]]) {
      expect(parseColumns(wrong)).toBeNull()
    }
  })

  test('move by one place, and not beyond the ends', () => {
    fc.assert(
      fc.property(chosen, fc.constantFrom(...ALL), (columns, column) => {
        const at = columns.indexOf(column)
        const down = moved(columns, column, 1)
        expect(new Set(down)).toEqual(new Set(columns))
        if (at >= 0) expect(down.indexOf(column)).toBe(Math.min(at + 1, columns.length - 1))
        if (at >= 0 && at < columns.length - 1) expect(moved(down, column, -1)).toEqual(columns)
      }),
    )
  })
})
