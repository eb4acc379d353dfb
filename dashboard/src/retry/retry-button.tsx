import { type JSX, useState } from 'react'
import type { RunRow } from '../filter/documents'
import { announce, toast } from '../parts/announce'
import { Tooltip } from '../parts/tooltip'
import { texts } from '../texts'
import { retryOnce } from './retry'

type Retryable = Pick<RunRow, 'id' | 'engine' | 'retryability' | 'attempt'>

/** Why a run cannot be retried, in words; empty when it can. */
export function reasonsOf({ retryability }: Pick<RunRow, 'retryability'>): string {
  return retryability.reasons.map((reason) => texts.retry.reasons[reason]).join('\n')
}

/** Retry a run and say what came of it. */
export async function retryNow(run: Retryable, onRetried: (made: RunRow) => void): Promise<void> {
  if (!run.retryability.canRetry) {
    announce(reasonsOf(run))
    return
  }
  const outcome = await retryOnce(run.id)
  if ('made' in outcome) {
    if (!outcome.created) announce(texts.retry.already(outcome.made.attempt))
    onRetried(outcome.made)
    return
  }
  const { error } = outcome
  if (error.code === 'OFFLINE') toast(texts.retry.lost)
  else if (error.reasons.length) {
    toast(error.reasons.map((reason) => texts.retry.reasons[reason as 'NOT_FAILED'] ?? reason).join(' '))
  } else toast(`${error.message} (${texts.error.code(error.code)})`)
}

/** The button stays when it cannot work, and says why: on hover, on focus, and when it is pressed. */
export function RetryButton({
  run,
  compact = false,
  onRetried,
}: {
  run: Retryable
  compact?: boolean
  onRetried: (made: RunRow) => void
}): JSX.Element {
  const [busy, setBusy] = useState(false)
  const { canRetry } = run.retryability
  const press = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    await retryNow(run, onRetried)
    setBusy(false)
  }
  return (
    <Tooltip text={canRetry ? texts.retry.will(run.engine.name) : reasonsOf(run)}>
      <button
        type="button"
        className={compact ? 'retry compact' : 'retry primary'}
        aria-disabled={!canRetry || busy}
        tabIndex={compact ? -1 : 0}
        onClick={() => void press()}
      >
        <span aria-hidden="true">↻</span> {busy ? texts.retry.asking : texts.retry.retry}
      </button>
    </Tooltip>
  )
}
