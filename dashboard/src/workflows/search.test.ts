import { expect, test } from 'vitest'
import { NOTHING } from '../filter/filter'
import { parseShown, writeShown } from './search'

test.each(['', '?range=7d&sort=p95&q=orders', '?workflow=a&engine=b&q=c+%26+d'])('%s says what it says again', (query) => {
  const shown = parseShown(query)
  expect(shown.unknown).toEqual([])
  expect(writeShown(shown)).toBe(query)
})

test('a search is no parameter that means nothing; others are', () => {
  expect(parseShown('q=x&colour=red')).toEqual({ choice: NOTHING, order: 'failed', q: 'x', unknown: ['colour=red'] })
})
