import { expect, test, vi } from 'vitest'
import type { RunRow } from '../filter/documents'
import { USUAL } from './columns'

vi.stubGlobal('matchMedia', () => ({ matches: false }))
const { changedColumns } = await import('./tint')

const RUNNING = { state: 'RUNNING', error: null, failedStep: null, currentStep: { index: 0, name: 'read' }, resolved: false, durationMs: null }
const changed = (part: object): string[] => changedColumns(RUNNING as unknown as RunRow, { ...RUNNING, ...part } as unknown as RunRow, USUAL)

test('a newer row tints what it shows anew, and nothing else', () => {
  expect(changed({ lastHeardAt: '2026-11-29T00:00:00Z' })).toEqual([])
  expect(changed({ currentStep: { index: 1, name: 'check' } })).toEqual(['happened'])
  expect(changed({ state: 'SUCCEEDED', currentStep: null, durationMs: 12 })).toEqual(['status', 'happened', 'duration'])
  expect(changed({ resolved: true })).toEqual(['happened'])
})
