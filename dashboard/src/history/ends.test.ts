import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ends } from './ends'

test.each([
  ['import orders', ['import orders', undefined]],
  ['sync customers to the warehouse', ['sync customers to the', ' warehouse']],
  ['galaxy/rnaseq/cee06b200d59d03c', ['galaxy/rnaseq/cee06b20', '0d59d03c']],
  ['x'.repeat(30), ['x'.repeat(22), 'x'.repeat(8)]],
  [`${'🚀'.repeat(15)}x`, ['🚀'.repeat(12), `${'🚀'.repeat(3)}x`]],
])('%s', (name, parts) => {
  expect(ends(name)).toEqual(parts)
})

test('both parts are the name, and the end is short', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (name) => {
      const [start, end] = ends(name)
      expect(start + (end ?? '')).toBe(name)
      expect((end ?? '').length).toBeLessThanOrEqual(14)
    }),
  )
})
