import type { JSX } from 'react'
import { errorTexts } from '../error-texts'
import { useZone } from '../parts/settings'
import { absolute } from '../time/time'
import type { GroupState } from './documents'

const SIGNS: Record<GroupState, string> = { OPEN: '○', REGRESSED: '↺', RESOLVED: '✓', MUTED: '◌' }

/** How a group stands: a sign, a word and a colour. */
export function StateMark({ state, mutedUntil }: { state: GroupState; mutedUntil: string | null }): JSX.Element {
  const zone = useZone()
  const title = mutedUntil === null ? errorTexts.stateHint[state] : errorTexts.mutedUntil(absolute(mutedUntil, zone))
  return (
    <span className={`mark ${state}`} title={title}>
      <span aria-hidden="true">{SIGNS[state]} </span>
      {errorTexts.state[state]}
      {mutedUntil !== null && <span className="visually-hidden">, {errorTexts.mutedUntil(absolute(mutedUntil, zone))}</span>}
    </span>
  )
}
