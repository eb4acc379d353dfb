import { asApiError } from './api'

/**
 * Idempotency keys of what this page has asked for, each kept until its answer is here: a double click, a second button,
 * and another try after a lost answer, also in a dialog that was closed meanwhile, are all the same request.
 */
const keys = new Map<string, string>()

/** The key of a request, which its name tells from all others. */
export function keyOf(request: string): string {
  let key = keys.get(request)
  if (key === undefined) keys.set(request, (key = crypto.randomUUID()))
  return key
}

/** Its answer is here: whoever asks from now on asks for another one. */
export function answered(request: string): void {
  keys.delete(request)
}

/** What is answered to a request with its key; a key that is used up (CONFLICT) is not sent again. */
export async function once<T>(request: string, send: (key: string) => Promise<T>): Promise<T> {
  try {
    const answer = await send(keyOf(request))
    answered(request)
    return answer
  } catch (error) {
    if (asApiError(error).code === 'CONFLICT') answered(request)
    throw error
  }
}
