import { type JSX, useState } from 'react'
import type { RunRow } from '../filter/documents'
import { announce, toast, toastError } from '../parts/announce'
import { Tooltip } from '../parts/tooltip'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { explain, type Sibling } from './reasons'
import { isLost, retryOnce } from './retry'

type Retryable = Pick<RunRow, 'id' | 'engine' | 'retryability' | 'attempt'>

/** Say why not, with a way to the attempt that is meant, or to what its engine lacks. */
function refuse(reasons: readonly string[], attempt: number, attempts: readonly Sibling[]): void {
  const { text, see } = explain(reasons, attempt, attempts)
  const way = see
    ? { href: hrefs.execution(see.id), text: texts.retry.see }
    : reasons.includes('ENGINE_CANNOT_RETRY')
      ? { href: `${hrefs.events}#retries`, text: texts.retry.connect }
      : undefined
  toast(text.replaceAll('\n', ' '), way)
}

/** Retry a run and say what came of it. */
export async function retryNow(run: Retryable, onRetried: (made: RunRow) => void, attempts: readonly Sibling[] = []): Promise<void> {
  const { retryability, attempt } = run
  if (!retryability.canRetry) {
    refuse(retryability.reasons, attempt, attempts)
    return
  }
  const outcome = await retryOnce(run.id)
  if ('made' in outcome) {
    if (!outcome.created) announce(texts.retry.already(outcome.made.attempt))
    onRetried(outcome.made)
    return
  }
  const { error } = outcome
  if (isLost(error)) toast(texts.retry.lost)
  else if (error.reasons.length) refuse(error.reasons, attempt, attempts)
  else toastError(error)
}

/** The button stays when it cannot work, and says why: on hover, on focus, and when it is pressed. */
export function RetryButton({
  run,
  compact = false,
  attempts = [],
  onRetried,
}: {
  run: Retryable
  compact?: boolean
  /** The line of retries that it belongs to, where it is known. */
  attempts?: readonly Sibling[]
  onRetried: (made: RunRow) => void
}): JSX.Element {
  const [busy, setBusy] = useState(false)
  const { canRetry, reasons } = run.retryability
  const press = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    await retryNow(run, onRetried, attempts)
    setBusy(false)
  }
  return (
    <Tooltip text={canRetry ? texts.retry.will(run.engine.name) : explain(reasons, run.attempt, attempts).text}>
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
