import { useLocation, useSearch } from 'wouter'
import { tenths } from '../counts'
import type { StepPair } from './documents'

/** How an address names the last success before a run, which it compares with. */
export const LAST_SUCCESS = 'success'
/** Below, a step took much as long as before. */
const TELLING = 1.5

/** The run that the page of a run compares it with, of its address; and how to change that. */
export function useUrlCompared(): [string | null, (other: string | null) => void] {
  const search = useSearch()
  const [path, go] = useLocation()
  const query = new URLSearchParams(search)
  return [
    query.get('with'),
    (other) => {
      if (other === null) query.delete('with')
      else query.set('with', other)
      go(`${path}${query.size ? `?${query}` : ''}`)
    },
  ]
}

type Side = { durationMs: number | null } | null

function ratioOf(before: Side, after: Side): number | null {
  return before?.durationMs && after?.durationMs ? after.durationMs / before.durationMs : null
}

/** `×3.2`: how many times as long it took. Null where that is not known. */
export function timesAsLong(before: Side, after: Side): string | null {
  const ratio = ratioOf(before, after)
  return ratio === null ? null : `×${ratio < 0.1 ? '0.1' : tenths(ratio)}`
}

/** The steps that only one run has, that ended otherwise, or took longer or less; and how many there are besides. */
export function tellingSteps(steps: readonly StepPair[]): { telling: StepPair[]; alike: number } {
  const telling = steps.filter(({ kind, before, after }) => {
    const ratio = ratioOf(before, after)
    return kind !== null || (ratio !== null && (ratio >= TELLING || ratio <= 1 / TELLING))
  })
  return { telling, alike: steps.length - telling.length }
}

/** A value as JSON, its numbers as they were sent. */
export function valueText(value: unknown): string {
  return JSON.stringify(value)
}
