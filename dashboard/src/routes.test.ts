import { expect, test } from 'vitest'
import { safeNext } from './routes'

test.each([
  ['/admin/automations/history?status=FAILURE', '/admin/automations/history?status=FAILURE'],
  ['/graphiql#query=1', '/graphiql#query=1'],
  [null, '/admin/automations/history'],
  ['https://evil.example/admin/automations/history', '/admin/automations/history'],
  ['//evil.example/admin/automations/x', '/admin/automations/history'],
  ['/\\evil.example/admin/automations/x', '/admin/automations/history'],
  ['/admin/automations/../../api', '/admin/automations/history'],
  ['/admin', '/admin/automations/history'],
  ['javascript:alert(1)', '/admin/automations/history'],
  ['/graphiqlx', '/admin/automations/history'],
])('after a sign-in, next=%s leads to %s', (next, to) => {
  expect(safeNext(next)).toBe(to)
})
