import { expect, test } from 'vitest'
import { type Frame, rowsOf, shortPath } from './frames'

const frame = (file: string, library: boolean, cause: string | null = null): Frame => ({
  file, line: 1, function: 'f', source: null, library, cause,
})
const [own, other] = [frame('/app/orders.py', false), frame('/app/shop.py', false)]
const [inner, outer] = [frame('/x/site-packages/engine/run.py', true), frame('/x/site-packages/engine/step.py', true)]

test('one’s own frames fold those of libraries, and causes stand before their frames', () => {
  const cause = frame('/app/rows.py', false, 'ValueError: twelve')
  expect(rowsOf([own, inner, outer, other, cause], 'own')).toEqual([
    { kind: 'frame', frame: own },
    { kind: 'libraries', frames: [inner, outer] },
    { kind: 'frame', frame: other },
    { kind: 'cause', text: 'ValueError: twelve' },
    { kind: 'frame', frame: cause },
  ])
})

test('a cause without frames is its text alone', () => {
  const bare = { ...frame('', false, 'IOError: gone'), function: null }
  expect(rowsOf([own, bare], 'all').map(({ kind }) => kind)).toEqual(['frame', 'cause'])
})

test('all shows each, and a trace of libraries alone folds nothing', () => {
  expect(rowsOf([own, inner], 'all').map(({ kind }) => kind)).toEqual(['frame', 'frame'])
  expect(rowsOf([inner, outer], 'own').map(({ kind }) => kind)).toEqual(['frame', 'frame'])
})

test.each([
  ['/usr/lib/python3.11/site-packages/engine/run.py', 'engine/run.py'],
  ['/srv/shop/node_modules/queue/index.js', 'queue/index.js'],
  ['/srv/deploy/releases/42/shop/orders.py', '…/42/shop/orders.py'],
  ['/app/shop/orders.py', '/app/shop/orders.py'],
])('of %s one reads %s', (file, shown) => {
  expect(shortPath(file)).toBe(shown)
})
