import type { ExecutionResult } from 'graphql'
import type { Fetcher, FetcherParams, FetcherReturnType } from '@graphiql/toolkit'
import { type DocumentNode, Kind, OperationTypeNode, parse } from 'graphql'
import { createClient } from 'graphql-ws'
import { credentials } from '../api/credentials'
import { notice } from '../api/session'
import { texts } from '../texts'

/**
 * Sends subscriptions by graphql-transport-ws and all else by fetch. GraphiQL's own fetcher decides by a syntax tree
 * that its editor makes with a delay: a subscription run right after it was pasted would go out over HTTP.
 */
export function createFetcher(): Fetcher {
  const socket = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => {
      const { 'x-runwatch-session': secret } = credentials()
      return secret === undefined ? {} : { session: secret }
    },
    retryAttempts: 0,
  })
  return (params, options) => {
    if (operationOf(params) === OperationTypeNode.SUBSCRIPTION) {
      const { query, operationName } = params
      const variables = params.variables as Record<string, unknown> | null
      const answers = socket.iterate({ query, variables, operationName: operationName ?? null })
      return told(answers as AsyncIterable<ExecutionResult>) as FetcherReturnType
    }
    return send(params, options?.headers as Record<string, string> | undefined)
  }
}

/** What kind of operation would run; undefined for a document that says nothing clear: the server will say why. */
export function operationOf({ query, operationName }: FetcherParams): OperationTypeNode | undefined {
  let document: DocumentNode
  try {
    document = parse(query)
  } catch {
    return undefined
  }
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  const chosen = operationName ? operations.find((each) => each.name?.value === operationName) : operations[0]
  return chosen?.operation
}

/** The end of a socket as an error in words: GraphiQL would show the event, of which JSON says nothing. */
async function* told(answers: AsyncIterable<ExecutionResult>): AsyncGenerator<unknown> {
  try {
    yield* answers
  } catch (error) {
    if (Array.isArray(error)) yield { errors: error }
    else if (error instanceof CloseEvent) yield failed(error.reason || texts.error.offline, `CLOSED_${error.code}`)
    else yield failed(texts.error.offline, 'OFFLINE')
  }
}

async function send(params: FetcherParams, headers: Record<string, string> = {}): Promise<never> {
  let answer: Response
  try {
    answer = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...credentials(),
        ...headers,
      },
      body: JSON.stringify(params),
    })
  } catch {
    return failed(texts.error.offline, 'OFFLINE') as never
  }
  // Somebody else's headers say nothing of this page's own session.
  if (Object.keys(headers).length === 0) notice(answer)
  const text = await answer.text()
  try {
    return JSON.parse(text) as never
  } catch {
    return failed(texts.error.status(answer.status), `HTTP_${answer.status}`) as never
  }
}

function failed(message: string, code: string): ExecutionResult {
  return { errors: [{ message, extensions: { code } }] } as unknown as ExecutionResult
}
