import { expect, test } from 'vitest'
import { curlOf, linked } from './start'

const of = (parts: Record<string, string>): string => new URLSearchParams(parts).toString()

test('a link gives a query and its variables, and nothing else', () => {
  expect(linked(of({ query: '{ a }', variables: '{"b": 1}', headers: '{"authorization": "x"}' }), 0)).toEqual({
    query: '{ a }',
    variables: '{"b": 1}',
    mutates: false,
  })
  expect(linked('', 0)).toBeNull()
})

test.each([
  ['mutation { a }', true], ['query A { a } mutation B { b }', true], ['{ mutation }', false],
  ['mutation { a(', true], ['{ a', false],
])('%s changes data: %s', (query, mutates) => {
  expect(linked(of({ query }), 0)?.mutates).toBe(mutates)
})

test('the list opens with its own filter and order', () => {
  const { query, variables } = linked(of({ history: 'status=FAILURE&range=1h&sort=duration' }), 3_600_000)!
  expect(query).toContain('query Executions(')
  expect(JSON.parse(variables)).toEqual({
    first: 20,
    filter: { status: ['FAILURE'], queuedFrom: '1970-01-01T00:00:00.000Z' },
    order: { field: 'DURATION', direction: 'ASC' },
  })
})

test('a copied command has no token, and quotes what the shell would read', () => {
  expect(curlOf('http://h', `{ a(b: "it's") }`, '{"c": 1}')).toBe(
    String.raw`curl 'http://h/graphql' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"query":"{ a(b: \"it'\''s\") }","variables":{"c":1}}'`,
  )
  expect(curlOf('http://h', '{ a }', '{half')).toContain(`-d '{"query":"{ a }"}'`)
})

test('a run opens with the very query of its page', () => {
  const { query, variables, mutates } = linked(of({ execution: 'execution_1' }), 0)!
  expect(query).toContain('query ExecutionDetail($id: ID!)')
  expect(query).toContain('fragment RunRow')
  expect([JSON.parse(variables), mutates]).toEqual([{ id: 'execution_1' }, false])
})
