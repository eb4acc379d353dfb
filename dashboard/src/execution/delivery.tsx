import type { JSX } from 'react'
import { useZone } from '../parts/settings'
import { runTexts } from '../run-texts'
import { clockTime } from '../time/time'
import type { Run } from './documents'

/** How a retry that Runwatch asked for reached its engine, or did not yet. */
export function Delivery({ dispatch, finished }: { dispatch: NonNullable<Run['dispatch']>; finished: boolean }): JSX.Element {
  const zone = useZone()
  const { attempts, acceptedAt, nextAttemptAt, lastError } = dispatch
  if (acceptedAt !== null) {
    return (
      <p className="delivery dim">
        {attempts <= 1 ? runTexts.execution.acceptedOnce : runTexts.execution.acceptedAfter(attempts)}
      </p>
    )
  }
  return (
    <div className="delivery notice" role="status">
      <p>
        {runTexts.execution.offered(attempts)}{' '}
        {nextAttemptAt !== null
          ? runTexts.execution.nextOffer(clockTime(nextAttemptAt, zone).slice(0, 8))
          : finished && runTexts.execution.givenUp}
      </p>
      {lastError !== null && (
        <p>
          {runTexts.execution.answer} <code>{lastError}</code>
        </p>
      )}
    </div>
  )
}
