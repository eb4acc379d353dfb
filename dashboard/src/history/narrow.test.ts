import { describe, expect, test } from 'vitest'
import type { RunRow } from '../filter/documents'
import { NOTHING } from '../filter/filter'
import { narrowedBy } from './narrow'

const row = {
  status: 'FAILURE', state: 'TIMED_OUT', workflowName: 'send', trigger: { kind: 'inbox' }, engine: { name: 'shop' },
  failedStep: { name: 'check' },
} as unknown as RunRow

describe('an Alt-click', () => {
  test.each([
    ['status', false, { state: ['TIMED_OUT'] }],
    ['status', true, null],
    ['workflow', false, { workflow: ['old', 'send'] }],
    ['workflow', true, { notWorkflow: ['send'] }],
    ['trigger', false, { trigger: ['inbox'] }],
    ['trigger', true, { notTrigger: ['inbox'] }],
    ['engine', false, { engine: ['shop'] }],
    ['step', false, { step: ['check'] }],
    ['step', true, null],
    ['duration', false, null],
  ])('on %s, with Shift %s, adds to what is chosen', (cell, exclude, part) => {
    expect(narrowedBy({ ...NOTHING, workflow: ['old'] }, row, cell, exclude)).toEqual(part)
  })

  test('takes the status where it says the same as the state', () => {
    expect(narrowedBy(NOTHING, { ...row, state: 'FAILED' }, 'status', false)).toEqual({ status: ['FAILURE'] })
  })

  test('on a run that failed in no step adds nothing', () => {
    expect(narrowedBy(NOTHING, { ...row, failedStep: null }, 'step', false)).toBeNull()
  })
})
