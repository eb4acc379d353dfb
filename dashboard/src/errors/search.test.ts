import { expect, test } from 'vitest'
import { parseShown, writeShown } from './search'

test('an address is read as it was written', () => {
  for (const query of ['', '?workflow=a&range=7d&state=open&state=muted&q=no+user&sort=last', '?engine=e&sort=first', '?from=2026-01-01T00%3A00%3A00Z']) {
    const { unknown, ...shown } = parseShown(query)
    expect(unknown).toEqual([])
    expect(writeShown(shown)).toBe(query)
  }
})

test('what it does not know is named', () => {
  const shown = parseShown('?sort=size&state=gone&status=FAILURE')
  expect(shown.order).toBe('count')
  expect(shown.states).toEqual([])
  expect(shown.unknown.sort()).toEqual(['sort=size', 'state=gone', 'status=FAILURE'])
})
