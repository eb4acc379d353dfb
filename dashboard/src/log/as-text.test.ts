import { expect, test } from 'vitest'
import { SentNumber } from '../api/api'
import type { LogLine } from '../live/log-documents'
import { asText, preview } from './as-text'
import { ALL, parseView, writeView } from './view'

const line = {
  id: 'l1', at: '2026-11-28T12:00:00.000001Z', level: 'ERROR', message: 'broken', truncated: false, number: 1,
  step: { id: 's', name: 'check', index: 1 }, attributes: { row: { order: 'A-1004' }, price: new SentNumber('1.10') },
} as LogLine

test('a copied line has its time, level, step, text and attributes, numbers as they were sent', () => {
  expect(asText(line)).toBe('2026-11-28T12:00:00.000001Z ERROR [check] broken {"row":{"order":"A-1004"},"price":1.10}')
  expect(asText({ ...line, step: null, attributes: null })).toBe('2026-11-28T12:00:00.000001Z ERROR broken')
})

test('attributes fold into one line with spaces, and are cut', () => {
  expect(preview(line.attributes)).toBe('{row: {order: "A-1004"}, price: 1.10}')
  expect(preview([1, true, null, 'a'])).toBe('[1, true, null, "a"]')
  expect(preview({ list: Array.from({ length: 50 }, (_, at) => at) }, 20)).toMatch(/^\{list: \[0, 1, 2, 3, 4, …\]\}$/)
})

test('a view of a log is its query, and the other way round', () => {
  for (const choice of [ALL, { level: 'ERROR', step: 0, search: 'a b&c', only: true, line: 'log_1' } as const, { ...ALL, only: true }]) {
    expect(parseView(writeView(choice))).toEqual(choice)
  }
  expect(writeView(ALL)).toBe('')
  expect(parseView('?level=LOUD&step=x')).toEqual(ALL)
})
