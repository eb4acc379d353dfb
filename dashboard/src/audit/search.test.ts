import { expect, test } from 'vitest'
import { auditFilter, parseShown, writeShown } from './search'

test.each(['', '?actor=anna&actor=bob&action=createToken&subject=token_1&range=7d'])('%s says what it says again', (query) => {
  const shown = parseShown(query)
  expect(shown.unknown).toEqual([])
  expect(writeShown(shown)).toBe(query)
})

test('the API gets only what constrains; what means nothing is named', () => {
  const now = Date.parse('2026-11-28T12:00:00Z')
  expect(auditFilter(parseShown(''), now)).toEqual({})
  expect(auditFilter(parseShown('actor=anna&range=1h'), now)).toEqual({ actor: ['anna'], from: '2026-11-28T11:00:00.000Z' })
  expect(parseShown('status=FAILURE&colour=red').unknown.toSorted()).toEqual(['colour=red', 'status=FAILURE'])
})
