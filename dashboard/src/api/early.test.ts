import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { dropEarly, earlyAt, takeEarly } from './early'
import type { Sent } from './send'

const sent = { at: 5 } as Sent
const asked: string[] = []

beforeEach(() => {
  vi.stubGlobal('localStorage', { getItem: () => null })
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    asked.push(body)
    return new Response('again')
  })
})
afterEach(() => {
  asked.length = 0
  globalThis.runwatchEarly = undefined
  vi.unstubAllGlobals()
})

/** What the early script has left. */
function early(answer: Promise<Sent>): { aborted: boolean } {
  const state = { aborted: false }
  answer.catch(() => {})
  globalThis.runwatchEarly = { body: 'first', at: 7, sent: answer, abort: () => void (state.aborted = true) }
  return state
}

test('its answer is taken over by the first who sends the same', async () => {
  const { aborted } = early(Promise.resolve(sent))
  expect(earlyAt()).toBe(7)
  expect(takeEarly('another', undefined)).toBeUndefined()
  expect(await takeEarly('first', undefined)).toBe(sent)
  expect(takeEarly('first', undefined)).toBeUndefined()
  expect(earlyAt()).toBeUndefined()
  expect([asked, aborted]).toEqual([[], false])
})

test('without an answer it is sent again', async () => {
  early(Promise.reject(new TypeError('Failed to fetch')))
  expect((await takeEarly('first', undefined))?.text).toBe('again')
  expect(asked).toEqual(['first'])
})

test('whoever gives it up ends it, and it is not sent again', async () => {
  const asking = new AbortController()
  let refuse: (reason: unknown) => void = () => {}
  const state = early(new Promise((_, reject) => (refuse = reject)))
  const taken = takeEarly('first', asking.signal)
  asking.abort()
  expect(state.aborted).toBe(true)
  refuse(asking.signal.reason)
  await expect(taken).rejects.toBe(asking.signal.reason)
  expect(asked).toEqual([])
})

test('what nobody takes over is given up', () => {
  const state = early(new Promise(() => {}))
  dropEarly()
  expect([state.aborted, earlyAt()]).toEqual([true, undefined])
  dropEarly()
})
