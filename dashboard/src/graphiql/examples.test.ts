import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import sdl from '../../../schema.graphql?raw'
import { EXAMPLES } from './examples'

const schema = buildSchema(sdl)

test.each(EXAMPLES)('the schema answers: $name', ({ query }) => {
  expect(validate(schema, parse(query))).toEqual([])
})
