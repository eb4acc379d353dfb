import { ApiError, ask } from '../api/api'
import type { RunRow } from '../filter/documents'
import { RetryOne } from './documents'

/**
 * Keys of the retries that this page has shown a button for, by run: kept until an answer is known, so that a double
 * click, a second button of the same run, and another try after a lost answer are all the same retry.
 */
const keys = new Map<string, string>()

export function keyOf(run: string): string {
  let key = keys.get(run)
  if (key === undefined) keys.set(run, (key = crypto.randomUUID()))
  return key
}

const asking = new Map<string, Promise<RetryOutcome>>()

export type RetryOutcome = { made: RunRow; created: boolean } | { error: ApiError }

/** Ask for a retry of a run, once: whoever asks while the answer is under way gets the same one. */
export function retryOnce(run: string): Promise<RetryOutcome> {
  let answer = asking.get(run)
  if (answer === undefined) {
    answer = send(run).finally(() => asking.delete(run))
    asking.set(run, answer)
  }
  return answer
}

async function send(run: string): Promise<RetryOutcome> {
  try {
    const { retryExecution } = await ask(RetryOne, { input: { executionId: run, idempotencyKey: keyOf(run) } })
    keys.delete(run)
    return { made: retryExecution.execution, created: retryExecution.created }
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED')
    // A refusal is an answer. Anything else may have come after the retry was made: the key stays.
    if (known.code === 'RETRY_REFUSED' || known.code === 'FORBIDDEN') keys.delete(run)
    return { error: known }
  }
}
