import { expect, test } from 'vitest'
import { ApiError } from './api'
import { once } from './unanswered'

test.each([
  ['OFFLINE', true],
  ['INTERNAL', true],
  ['CONFLICT', false],
])('after %s the key is sent again: %s', async (code, again) => {
  const request = `request ${code}`
  const keys: string[] = []
  const fail = (key: string): Promise<never> => {
    keys.push(key)
    return Promise.reject(new ApiError('no', code))
  }
  for (const send of [fail, fail]) await expect(once(request, send)).rejects.toThrow('no')
  expect(new Set(keys).size).toBe(again ? 1 : 2)
})

test('an answer ends a request', async () => {
  const echo = (key: string): Promise<string> => Promise.resolve(key)
  expect(await once('one', echo)).not.toBe(await once('one', echo))
})
