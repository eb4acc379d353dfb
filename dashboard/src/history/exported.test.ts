import { expect, test } from 'vitest'
import { ALL, USUAL } from './columns'
import { asInList, EXPORTED, keptExported, parseExported, startingWith } from './exported'

test('an export as the list is has what its cells say, in their order', () => {
  expect(asInList(USUAL)).toEqual([
    'id', 'status', 'state', 'workflow', 'triggerLabel', 'failedStep', 'errorType', 'errorMessage', 'retryOf', 'triggerKind', 'queuedAt',
    'durationMs',
  ])
  expect(asInList(['waited', 'queued'])).toEqual(['id', 'queuedAt', 'startedAt'])
  expect(asInList(ALL).toSorted()).toEqual(EXPORTED.toSorted())
})

test('the columns that are chosen stand before the others, and are kept unless they are all of the API', () => {
  const some = ['queuedAt', 'id'] as const
  expect(startingWith(some).slice(0, 3)).toEqual(['queuedAt', 'id', 'externalId'])
  expect(startingWith(some).toSorted()).toEqual(EXPORTED.toSorted())
  expect(keptExported(some)).toEqual(some)
  expect(keptExported(startingWith(some))).toEqual(startingWith(some))
  expect(keptExported(EXPORTED)).toBeNull()
})

test.each([
  [['status', 'id', 'status'], ['status', 'id']],
  [['status', 'colour'], ['status']],
  [['colour'], [...EXPORTED]],
  [[], [...EXPORTED]],
  [null, [...EXPORTED]],
  ['id', [...EXPORTED]],
])('of %j, kept in a browser, %j are exported', (kept, expected) => {
  expect(parseExported(kept)).toEqual(expected)
})
