import { expect, test } from 'vitest'
import { Unseen } from './unseen'

const AT = Date.parse('2026-11-28T12:00:00Z')
const failed = (id: string, seconds: number, resolved = false) =>
  ({ id, status: 'FAILURE', resolved, finishedAt: new Date(AT + seconds * 1000).toISOString() }) as const
const told = (run: ReturnType<typeof failed>, matches = true) =>
  ({ executionId: run.id, matches, change: 'UPDATED', execution: run }) as const

test('a failure counts when it ended after the last look', () => {
  const unseen = new Unseen(AT)
  unseen.take(told(failed('a', -1)))
  expect(unseen.any).toBe(false)
  unseen.take(told(failed('a', 1)))
  expect(unseen.any).toBe(true)
})

test.each([
  ['resolved', told(failed('a', 1, true))],
  ['out of the view', told(failed('a', 1), false)],
  ['deleted', { executionId: 'a', matches: false, change: 'DELETED', execution: null } as const],
])('a failure that is %s counts no more', (_, update) => {
  const unseen = new Unseen(AT)
  unseen.take(told(failed('a', 1)))
  unseen.take(update)
  expect(unseen.any).toBe(false)
})

test('nothing is new to somebody who looks, and all of it once he looks away', () => {
  const unseen = new Unseen(0)
  unseen.row(failed('a', 1))
  unseen.look()
  unseen.row(failed('b', 2))
  expect(unseen.any).toBe(false)
  unseen.lookAway(AT)
  unseen.row(failed('c', 3))
  expect(unseen.any).toBe(true)
})
