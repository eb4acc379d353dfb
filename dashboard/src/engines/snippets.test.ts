import { expect, test } from 'vitest'
import { variablesOf } from './snippets'

test('a webhook needs its secret, a broker none', () => {
  const common = ['RUNWATCH_URL=https://r.example', 'RUNWATCH_SOURCE=billing', 'RUNWATCH_TOKEN=']
  expect(variablesOf('WEBHOOK', 'https://r.example', 'billing', 'whsec_x').split('\n')).toEqual([...common, 'RUNWATCH_WEBHOOK_SECRET=whsec_x'])
  expect(variablesOf('CELERY', 'https://r.example', 'billing', null).split('\n')).toEqual(common)
})

test('names that a shell would take apart are quoted', () => {
  expect(variablesOf('CELERY', '', "ada's engine", null)).toContain("RUNWATCH_SOURCE='ada'\\''s engine'")
})
