import { texts } from '../texts'
import { afterFirst, takeEarly } from './early'
import type { TadaDocumentNode } from './graphql'
import { bodyOf, type Sent, send } from './send'
import { goAway, notice } from './session'

/** What the server, or the way to it, answered instead of data. `code` is `extensions.code`, or OFFLINE, or HTTP_<status>. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly requestId: string | null = null,
    readonly path: readonly (string | number)[] = [],
    readonly reasons: readonly string[] = [],
  ) {
    super(message)
  }
}

/** What was thrown, as an error that a screen can show. */
export function asApiError(reason: unknown): ApiError {
  return reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED')
}

/** Whether the same request may succeed a little later without anybody's doing. */
export function mayPass({ code }: ApiError): boolean {
  return !['UNAUTHENTICATED', 'FORBIDDEN', 'BAD_USER_INPUT'].includes(code)
}

export interface Answer<R> {
  data: R
  /** Of the fields that failed beside data; a screen shows each where its part would be. */
  errors: ApiError[]
}

interface GraphQLAnswer {
  data?: unknown
  errors?: {
    message: string
    path?: (string | number)[]
    extensions?: { code?: string; errorId?: string; reasons?: string[] }
  }[]
}

/** A number that a double would change, as it was sent. */
export class SentNumber {
  constructor(readonly source: string) {}
  toJSON(): unknown {
    return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(this.source)
  }
}

// Source text access: Chromium 114, Firefox 135, Safari 18.4. Older browsers get the rounded number.
const asSent = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
    ? new SentNumber(context.source)
    : value

export interface AskOptions {
  signal?: AbortSignal
  /** Keep numbers as they were sent; costs a call a value, so lists go without. */
  exact?: boolean
}

/** Ask for data and the errors beside it. Throws ApiError when there is no data at all, and AbortError when aborted. */
export async function askPartly<R, V>(
  document: TadaDocumentNode<R, V>,
  variables: V,
  { signal, exact = false }: AskOptions = {},
): Promise<Answer<R>> {
  const request = bodyOf(document, variables)
  let sent: Sent
  try {
    sent = await (takeEarly(request, signal) ?? afterFirst().then(() => send(request, signal)))
  } catch (error) {
    if (signal?.aborted) throw error
    goAway()
    throw offline()
  }
  const { answer } = sent
  notice(answer, sent.at)
  const requestId = answer.headers.get('x-request-id')
  const body = parsed(sent.text, exact)
  const errors = (body.errors ?? []).map(
    (error) =>
      new ApiError(
        error.message,
        error.extensions?.code ?? `HTTP_${answer.status}`,
        error.extensions?.errorId ?? requestId,
        error.path,
        error.extensions?.reasons,
      ),
  )
  if (body.data === undefined || body.data === null) {
    throw errors[0] ?? new ApiError(texts.error.status(answer.status), `HTTP_${answer.status}`, requestId)
  }
  return { data: body.data as R, errors }
}

/** No answer came, or one that was cut off in the middle. */
function offline(): ApiError {
  return new ApiError(navigator.onLine ? texts.error.offline : texts.error.noNetwork, 'OFFLINE')
}

/** Ask for data, all of it: the first error is thrown. */
export async function ask<R, V>(document: TadaDocumentNode<R, V>, variables: V, options?: AskOptions): Promise<R> {
  const { data, errors } = await askPartly(document, variables, options)
  if (errors[0]) throw errors[0]
  return data
}

/** A root field of an answer without errors: null comes only with one. */
export function given<T>(root: T | null): T {
  if (root === null) throw new ApiError(texts.error.unexpected, 'UNEXPECTED')
  return root
}

function parsed(text: string, exact: boolean): GraphQLAnswer {
  try {
    return JSON.parse(text, exact ? (asSent as never) : undefined) as GraphQLAnswer
  } catch {
    return {} // a proxy's page, say; the status tells
  }
}
