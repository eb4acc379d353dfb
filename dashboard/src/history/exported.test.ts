import { expect, test } from 'vitest'
import { ALL, USUAL } from './columns'
import { asInList, EXPORTED, parseExported } from './exported'

test('an export as the list is has what its cells say, in the order of the API', () => {
  expect(asInList(USUAL)).toEqual([
    'id', 'workflow', 'status', 'state', 'triggerKind', 'triggerLabel', 'queuedAt', 'durationMs', 'failedStep', 'errorType', 'errorMessage',
    'retryOf',
  ])
  expect(asInList(['waited', 'queued'])).toEqual(['id', 'queuedAt', 'startedAt'])
  expect(asInList(ALL)).toEqual([...EXPORTED])
})

test.each([
  [['status', 'id'], ['id', 'status']],
  [['status', 'colour'], ['status']],
  [['colour'], [...EXPORTED]],
  [[], [...EXPORTED]],
  [null, [...EXPORTED]],
  ['id', [...EXPORTED]],
])('of %j, kept in a browser, %j are exported', (kept, expected) => {
  expect(parseExported(kept)).toEqual(expected)
})
