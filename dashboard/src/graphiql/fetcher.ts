import type { Fetcher, FetcherParams, FetcherReturnType } from '@graphiql/toolkit'
import { type DocumentNode, Kind, OperationTypeNode, parse } from 'graphql'
import { createClient } from 'graphql-ws'
import { credentials } from '../api/session'

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
      return socket.iterate({
        query: params.query,
        variables: params.variables as Record<string, unknown> | null,
        operationName: params.operationName ?? null,
      }) as unknown as FetcherReturnType
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

async function send(params: FetcherParams, headers: Record<string, string> = {}): Promise<never> {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...credentials(),
      ...headers,
    },
    body: JSON.stringify(params),
  })
  return (await answer.json()) as never
}
