import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterOf, orderOf } from './api-filter'
import {
  type Choice, exactly, isNarrowed, isNewestFirst, NOTHING, parseChoice, parseDuration, RANGES, SORTS, STATES, STATUSES, withoutValue,
  withValue, writeChoice, writeDuration,
} from './filter'

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }), { maxLength: 3 })
const time = fc
  .date({ min: new Date('1971-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString())
const duration = fc.option(fc.integer({ min: 0, max: 1e9 }))
const id = (of: string): fc.Arbitrary<string> => fc.uuid().map((each) => `${of}_${each.replaceAll('-', '')}`)
// A lone surrogate has no spelling in a URL.
const text = (value: string): boolean => value.isWellFormed()

const choices: fc.Arbitrary<Choice> = fc.record({
  status: fc.uniqueArray(fc.constantFrom(...STATUSES)),
  state: fc.uniqueArray(fc.constantFrom(...STATES)),
  workflow: names.filter((all) => all.every(text)),
  notWorkflow: names.filter((all) => all.every(text)),
  engine: names.filter((all) => all.every(text)),
  trigger: names.filter((all) => all.every(text)),
  notTrigger: names.filter((all) => all.every(text)),
  step: names.filter((all) => all.every(text)),
  group: fc.uniqueArray(id('errorGroup'), { maxLength: 3 }),
  unresolved: fc.boolean(),
  retryOf: fc.option(id('execution')),
  retry: fc.option(id('bulkRetry')),
  min: duration,
  max: duration,
  range: fc.option(fc.oneof(fc.constantFrom(...RANGES), fc.tuple(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom('m', 'h', 'd')).map((parts) => parts.join('')))),
  from: fc.option(time),
  to: fc.option(time),
  q: fc.string({ unit: 'binary' }).filter(text),
  sort: fc.record({
    field: fc.constantFrom(...(Object.keys(SORTS) as (keyof typeof SORTS)[])),
    descending: fc.boolean(),
  }),
})

describe('the choice in the URL', () => {
  test('reads back as it was written', () => {
    fc.assert(
      fc.property(choices, (choice) => {
        expect(parseChoice(writeChoice(choice).toString())).toEqual({ choice, unknown: [] })
      }),
    )
  })

  test('has one spelling', () => {
    fc.assert(
      fc.property(choices, (choice) => {
        const written = writeChoice(choice).toString()
        expect(writeChoice(parseChoice(written).choice).toString()).toBe(written)
      }),
    )
  })

  test.each([
    'status=BROKEN', 'state=', 'workflow=', 'unresolved=yes', 'min=12', 'max=2d', 'range=2y', 'range=0h', 'range=1.5h', 'from=yesterday',
    'to=2026-11-28T10:00:00', 'sort=-size', 'retry=snapshot_1', 'retryOf=execution_1', 'group=bar', 'colour=red', 'view=mine',
  ])('names %s as unknown', (parameter) => {
    expect(parseChoice(parameter)).toEqual({ choice: NOTHING, unknown: [parameter] })
  })

  test('leaves the parameters of the page alone', () => {
    expect(parseChoice('run=abc&columns=engine&follow=1').unknown).toEqual([])
  })
})

test.each([
  ['500ms', 500], ['2s', 2000], ['1.5m', 90_000], ['1h', 3_600_000], ['12', null], ['-1s', null], ['1e3s', null],
])('the duration %s is %s ms', (spelling, ms) => {
  expect(parseDuration(spelling)).toBe(ms)
})

test('a duration is written as short as it can be', () => {
  expect([0, 1, 1000, 1500, 60_000, 7_200_000].map(writeDuration)).toEqual(['0ms', '1ms', '1s', '1500ms', '1m', '2h'])
})

test('a value is added once, and taken away alone', () => {
  const choice: Choice = { ...NOTHING, workflow: ['a', 'b'], status: ['FAILURE'] }
  expect(withValue(choice, 'workflow', 'c')).toEqual({ workflow: ['a', 'b', 'c'] })
  expect(withValue(choice, 'workflow', 'b')).toEqual({})
  expect(withoutValue(choice, 'workflow', 'a')).toEqual({ workflow: ['b'] })
})

test('newcomers are at the top of the usual order alone', () => {
  expect(isNewestFirst(NOTHING)).toBe(true)
  expect(isNewestFirst({ ...NOTHING, sort: { field: 'queued', descending: false } })).toBe(false)
  expect(isNewestFirst({ ...NOTHING, sort: { field: 'duration', descending: true } })).toBe(false)
})

test('a sort narrows nothing', () => {
  expect(isNarrowed({ ...NOTHING, sort: { field: 'duration', descending: false } })).toBe(false)
  expect(isNarrowed({ ...NOTHING, q: 'a' })).toBe(true)
})

test('a relative range is made exact', () => {
  const now = Date.parse('2026-11-28T12:00:00Z')
  expect(exactly({ ...NOTHING, range: '6h' }, now)).toEqual({
    ...NOTHING,
    from: '2026-11-28T06:00:00.000Z',
    to: '2026-11-28T12:00:00.000Z',
  })
})

test('the API gets only what constrains', () => {
  expect(filterOf(NOTHING, 0)).toEqual({})
  expect(filterOf({ ...NOTHING, q: ' a ' }, 0)).toEqual({})
  expect(filterOf({ ...NOTHING, q: ' ab ', range: '1h', status: ['FAILURE'] }, 3_600_000)).toEqual({
    status: ['FAILURE'],
    search: 'ab',
    queuedFrom: '1970-01-01T00:00:00.000Z',
  })
  expect(orderOf({ ...NOTHING, sort: { field: 'duration', descending: false } })).toEqual({
    field: 'DURATION',
    direction: 'ASC',
  })
})
