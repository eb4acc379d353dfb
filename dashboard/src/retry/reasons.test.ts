import { afterEach, expect, test, vi } from 'vitest'
import { ApiError } from '../api/api'
import { keyOf } from '../api/unanswered'
import { explain } from './reasons'
import { isLost, retryOnce } from './retry'

const sibling = (attempt: number, status: 'PENDING' | 'SUCCESS' | 'FAILURE') => ({ id: `run${attempt}`, attempt, status })

test('every reason is said, with the attempt that it means', () => {
  expect(explain(['NOT_FINISHED', 'FORBIDDEN'], 1)).toEqual({ text: 'It is still running.\nViewers cannot retry.', see: null })
  const siblings = [sibling(1, 'FAILURE'), sibling(2, 'FAILURE'), sibling(3, 'PENDING')]
  expect(explain(['RETRY_IN_PROGRESS', 'SUPERSEDED'], 1, siblings)).toEqual({
    text: 'Attempt 3 is running.\nRetry attempt 3 instead.',
    see: siblings[2],
  })
  expect(explain(['ALREADY_RESOLVED'], 1, [sibling(2, 'SUCCESS')]).text).toBe('Attempt 2 succeeded.')
  expect(explain(['SUPERSEDED'], 3, siblings).text).toBe('Retry its latest attempt instead.') // it is not known here
  expect(explain(['SOMETHING_NEW'], 1).text).toBe('SOMETHING_NEW')
})

afterEach(() => vi.unstubAllGlobals())

/** Answers of the server in their order; null: the connection breaks. Returns the keys that came. */
function answers(...bodies: (object | number | null)[]): string[] {
  const keys: string[] = []
  vi.stubGlobal('localStorage', { getItem: () => null })
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    keys.push(JSON.parse(body).variables.input.idempotencyKey)
    const next = bodies.shift()
    if (next === null) throw new TypeError('Failed to fetch')
    return typeof next === 'number' ? new Response('', { status: next }) : new Response(JSON.stringify(next))
  })
  return keys
}
const made = { data: { retryExecution: { created: true, execution: { id: 'new' } } } }
const refused = { errors: [{ message: 'no', extensions: { code: 'RETRY_REFUSED', reasons: ['NOT_FAILED'] } }] }
const wait = async (): Promise<void> => {}

test('a lost answer is asked for again with the same key, a second press meanwhile is the same retry', async () => {
  const keys = answers(null, 502, made)
  const [one, other] = await Promise.all([retryOnce('a', wait), retryOnce('a', wait)])
  expect(one).toBe(other)
  expect(one).toEqual({ made: { id: 'new' }, created: true })
  expect(keys.length).toBe(3)
  expect(new Set(keys).size).toBe(1)
  expect(keyOf('retry a')).not.toBe(keys[0]) // the next retry is another one
})

test('while nothing is known the key stays, also for the next press', async () => {
  const keys = answers(null, null, null, null, refused)
  expect(await retryOnce('b', wait)).toMatchObject({ error: { code: 'OFFLINE' } })
  expect(keys.length).toBe(4)
  expect(await retryOnce('b', wait)).toMatchObject({ error: { code: 'RETRY_REFUSED', reasons: ['NOT_FAILED'] } })
  expect(new Set(keys).size).toBe(1)
  expect(keyOf('retry b')).not.toBe(keys[0]) // a refusal is an answer
})

test('what the server said is not asked again', () => {
  expect(['OFFLINE', 'INTERNAL', 'HTTP_503'].map((code) => isLost(new ApiError('', code)))).toEqual([true, true, true])
  expect(['FORBIDDEN', 'RETRY_REFUSED', 'HTTP_404', 'UNAUTHENTICATED'].map((code) => isLost(new ApiError('', code)))).toEqual([false, false, false, false])
})
