import { describe, expect, test } from 'vitest'
import { about, asInput, fresh, KINDS, kindOf, named } from './sentence'

describe('sentences of rules', () => {
  test.each(KINDS)('%s is told from the others, and given back as it is', (kind) => {
    const condition = fresh(kind)
    expect(kindOf(condition)).toBe(kind)
    expect(Object.keys(asInput(condition))).toEqual([kind])
    expect(about(condition)).not.toBe('')
  })

  test('lengths of time are said in the greatest unit that fits', () => {
    const rate = { percent: 12.5, windowMinutes: 120, minimumRuns: 1 }
    expect(about({ ...fresh('failureRate'), failureRate: rate })).toBe('has 12.5 % failures within 2 hours, of at least 1 run')
    expect(about({ ...fresh('noRun'), noRun: { minutes: 1_440 } })).toBe('has not run for 1 day')
    expect(about({ ...fresh('engineSilence'), engineSilence: { minutes: 90, engineId: null } })).toBe('is silent for 90 minutes')
  })

  test('channels are named by what people know of them', () => {
    expect(named({ kind: 'EMAIL', target: 'ops@example.com' })).toBe('ops@example.com')
    expect(named({ kind: 'SLACK', target: 'hooks.slack.com' })).toBe('Slack')
    expect(named({ kind: 'PAGE', target: null })).toBe('this page')
  })
})
