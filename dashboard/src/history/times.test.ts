import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOTHING, parseChoice, writeChoice } from '../filter/filter'
import { timeOptions, timeText, withTime } from './times'

const NOON = Date.parse('2026-11-28T12:00:00Z')
const shown = (typed: string): string[] => timeOptions(NOTHING, typed, NOON, 'Europe/Berlin').map(({ text }) => text)

test.each([
  ['', ['Last hour', 'Last 6 hours', 'Last 24 hours', 'Last 7 days', 'Last 30 days']],
  ['day', ['Last 7 days', 'Last 30 days']],
  ['3h', ['Last 3 hours']],
  ['1h', ['Last hour']],
  ['-90m', ['Last 90 minutes']],
  ['12:30', ['Since 28 Nov 12:30', 'Until 28 Nov 12:30']],
  ['yesterday', ['27 Nov 00:00 – 28 Nov 00:00']],
  ['9:00-10:30', ['28 Nov 09:00 – 10:30']],
  ['today', ['Since 28 Nov 00:00']],
  ['never', []],
])('%j offers %j', (typed, expected) => {
  expect(shown(typed)).toEqual(expected)
})

test('each that is offered can be chosen, goes into the URL, and is called the same there', () => {
  const typed = fc.constantFrom('', '3h', '2w', '14:00', 'yesterday', 'today', '9:00-10:30', '2026-11-01', '2026-11-28T10:00:00Z')
  fc.assert(
    fc.property(typed, fc.nat(4), (text, index) => {
      const option = timeOptions(NOTHING, text, NOON, 'Europe/Berlin')[index]
      if (!option) return
      const { choice, unknown } = parseChoice(writeChoice({ ...NOTHING, ...withTime(NOTHING, option.value) }))
      expect(unknown).toEqual([])
      expect(timeText(choice, 'Europe/Berlin', NOON)).toBe(option.text)
    }),
  )
})

test('one end leaves the other where it was, unless it would lie behind it', () => {
  const choice = { ...NOTHING, from: '2026-11-28T10:00:00.000Z', to: '2026-11-28T11:00:00.000Z' }
  expect(withTime(choice, 'from/2026-11-28T10:30:00.000Z')).toEqual({ range: null, from: '2026-11-28T10:30:00.000Z', to: choice.to })
  expect(withTime(choice, 'from/2026-11-28T12:00:00.000Z')).toEqual({ range: null, from: '2026-11-28T12:00:00.000Z', to: null })
  expect(withTime(choice, 'to/2026-11-28T09:00:00.000Z')).toEqual({ range: null, from: null, to: '2026-11-28T09:00:00.000Z' })
})
