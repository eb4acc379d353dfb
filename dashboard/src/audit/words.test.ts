import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import sdl from '../../../schema.graphql?raw'
import { auditTexts } from '../audit-texts'
import { hrefOf, wordsOf } from './words'

test('every mutation, and what is audited beside them, has words', () => {
  const { Mutation } = buildSchema(sdl).getTypeMap() as unknown as Record<string, { getFields(): object }>
  const beside = ['signIn', 'signOut', 'signInLink', 'exportExecutions', 'exportLog']
  expect(Object.keys(auditTexts.actions).toSorted()).toEqual([...Object.keys(Mutation!.getFields()), ...beside].toSorted())
})

test.each([
  ['retryExecutions', { retries: { a: 'b', c: 'd' } }, 'retried 2 runs'],
  ['resolveExecutions', { executions: ['a'] }, 'resolved 1 run'],
  ['unresolveExecutions', { executions: ['a', 'b'] }, 'took back the resolution of 2 runs'],
  ['endSessions', { sessions: 3 }, 'ended 3 sessions'],
  ['setErrorGroupState', { state: 'RESOLVED' }, 'marked as resolved'],
  ['setErrorGroupState', { state: null }, 'reopened'],
  // Details of another time, and an action of a server that is newer than the page.
  ['setErrorGroupState', { state: 'ASLEEP' }, 'changed the state of'],
  ['retryExecutions', null, 'retried many runs'],
  ['signIn', null, 'signed in'],
  ['paintExecution', { colour: 'red' }, 'paintExecution'],
])('%s with %j: %s', (action, detail, expected) => {
  expect(wordsOf({ action, detail })).toBe(expected)
})

test.each([
  ['execution_1', null, '/admin/automations/executions/execution_1'],
  ['errorGroup_1', { state: null }, '/admin/automations/errors/errorGroup_1'],
  ['alertRule_1', null, '/admin/automations/alerts?rule=alertRule_1'],
  ['token_1', null, '/admin/automations/tokens'],
  ['engine_1', { name: 'shop' }, '/admin/automations/engines/shop'],
  ['engine_1', null, null],
  ['savedView_1', { name: 'mine' }, null],
  ['constructor_1', null, null],
  [null, { bulkRetry: 'bulkRetry_1' }, '/admin/automations/history?retry=bulkRetry_1'],
  [null, null, null],
])('%s with %j is at %s', (subject, detail, expected) => {
  expect(hrefOf({ subject, detail })).toBe(expected)
})
