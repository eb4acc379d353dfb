import { buildSchema, parse, specifiedRules, validate } from 'graphql'
import { expect, test } from 'vitest'
import sdl from '../../../schema.graphql?raw'
import { textOf } from '../api/graphql'
import { Executions, RunRow } from '../filter/documents'
import { ExecutionDetail } from './documents'

const schema = buildSchema(sdl)

test('a document has the text of its operation, then that of each fragment once', () => {
  const text = textOf(ExecutionDetail)
  expect(text).toMatch(/^query ExecutionDetail\(/)
  expect(text.match(/^fragment \w+/gm)).toEqual([...new Set(text.match(/^fragment \w+/gm))])
  expect(text).toContain(textOf(RunRow))
  expect(validate(schema, parse(text), specifiedRules)).toEqual([])
})

test('a document begins where its own line does, as somebody reads it who opens it in GraphiQL', () => {
  expect(textOf(Executions)).toMatch(/^query Executions\(.*\n {2}executions\(.*\n {4}updatesCursor\n/)
  expect(textOf(RunRow)).toMatch(/^fragment RunRow on Execution \{\n {2}id\n[^]*\n\}$/)
})
