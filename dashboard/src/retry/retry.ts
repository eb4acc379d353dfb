import { ApiError, ask } from '../api/api'
import { answered, keyOf } from '../api/unanswered'
import type { RunRow } from '../filter/documents'
import { RetryOne } from './documents'

const asking = new Map<string, Promise<RetryOutcome>>()

export type RetryOutcome = { made: RunRow; created: boolean } | { error: ApiError }

/** Between the tries of one press whose answer was lost: with the same key, they are the same retry. */
const PAUSES_MS = [400, 1_500, 4_000]

/** Ask for a retry of a run, once: whoever asks while the answer is under way gets the same one. */
export function retryOnce(run: string, wait: (ms: number) => Promise<void> = sleep): Promise<RetryOutcome> {
  let answer = asking.get(run)
  if (answer === undefined) {
    answer = send(run, wait).finally(() => asking.delete(run))
    asking.set(run, answer)
  }
  return answer
}

async function send(run: string, wait: (ms: number) => Promise<void>): Promise<RetryOutcome> {
  const request = `retry ${run}`
  for (let tries = 0; ; tries++) {
    try {
      const { retryExecution } = await ask(RetryOne, { input: { executionId: run, idempotencyKey: keyOf(request) } })
      answered(request)
      return { made: retryExecution.execution, created: retryExecution.created }
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(String(error), 'UNEXPECTED')
      // A refusal is an answer. Anything else may have come after the retry was made: the key stays.
      if (known.code === 'RETRY_REFUSED' || known.code === 'FORBIDDEN') answered(request)
      if (!isLost(known) || tries === PAUSES_MS.length) return { error: known }
      await wait(PAUSES_MS[tries]!)
    }
  }
}

/** Whether nobody knows what came of it: the server is away, or something on the way to it. */
export function isLost({ code }: ApiError): boolean {
  return code === 'OFFLINE' || code === 'INTERNAL' || /^HTTP_5\d\d$/.test(code)
}

function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
