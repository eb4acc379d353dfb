import { expect, test } from 'vitest'
import { engineOf, hrefs, safeNext } from './routes'

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

test.each(['orders', 'a/b & c?', '100 %', 'ärger', '%2F'])('the address of engine %s names it', (name) => {
  expect(engineOf(hrefs.engines(name))).toBe(name)
})

test('an address that names no engine', () => {
  expect([engineOf(hrefs.engines()), engineOf(`${hrefs.engines()}/%`)]).toEqual([null, '%'])
})
