import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SentNumber } from '../api/api'
import { MAX_ENTRIES, pathOf, rowsOf, search } from './json-rows'

const CLOSED = { open: new Map(), limits: new Map(), depth: 2 }
const value = { file: 'today.csv', shop: { name: 'corner', tags: ['eu', { deep: 1 }] }, exact: new SentNumber('1.10') }

test('two levels are open, deeper branches are folded, and numbers stay as sent', () => {
  expect(rowsOf(value, CLOSED).map(({ path, level, branch }) => [path, level, branch?.open])).toEqual([
    ['', 0, true], ['file', 1, undefined], ['shop', 1, true], ['shop.name', 2, undefined], ['shop.tags', 2, false],
    ['exact', 1, undefined],
  ])
  const opened = { ...CLOSED, open: new Map([['shop', false], ['', true]]) }
  expect(rowsOf(value, opened).map(({ path }) => path)).toEqual(['', 'file', 'shop', 'exact'])
})

test('long branches go on when asked', () => {
  const long = Array.from({ length: MAX_ENTRIES + 5 }, (_, index) => index)
  const rows = rowsOf(long, CLOSED)
  expect([rows.length, rows.at(-1)]).toEqual([MAX_ENTRIES + 2, expect.objectContaining({ path: '', more: 5 })])
  expect(rowsOf(long, { ...CLOSED, limits: new Map([['', 1000]]) })).toHaveLength(long.length + 1)
})

test('a search finds names and values, and names the branches that hide them', () => {
  expect(search(value, 'DEEP')).toEqual({ found: new Set(['shop.tags[1].deep']), around: new Set(['', 'shop', 'shop.tags', 'shop.tags[1]']) })
  expect([...search(value, '1.10').found]).toEqual(['exact'])
  expect(search(value, '').found.size).toBe(0)
  expect([...search(['1', 'x'], '1').found]).toEqual(['[0]']) // places in a list are no names
})

test('what was found is shown with what is around and in it, wherever it is', () => {
  const list = Array.from({ length: 900 }, (_, at) => ({ id: `A-${at}`, shop: { name: 'x' } }))
  const paths = (text: string): string[] => rowsOf(list, CLOSED, search(list, text)).map(({ path }) => path)
  expect(paths('A-777')).toEqual(['', '[777]', '[777].id'])
  const opened = { ...CLOSED, open: new Map([['[3].shop', true]]) }
  const only = { found: new Set(['[3].shop']), around: new Set(['', '[3]']) }
  expect(rowsOf(list, opened, only).map(({ path }) => path)).toEqual(['', '[3]', '[3].shop', '[3].shop.name'])
})

test('a path is what one writes in code', () => {
  const read = (root: unknown, path: string): unknown => new Function('root', `return root${path.startsWith('[') || !path ? '' : '.'}${path}`)(root)
  fc.assert(
    fc.property(fc.dictionary(fc.string().filter((key) => key !== '__proto__'), fc.array(fc.integer(), { minLength: 1 })), (root) => {
      for (const [key, list] of Object.entries(root)) expect(read(root, pathOf(pathOf('', key, false), '0', true))).toBe(list[0])
    }),
  )
})
