import { credentials } from './credentials'
import { type TadaDocumentNode, textOf } from './graphql'

/** An answer, read to its end. */
export interface Sent {
  answer: Response
  text: string
  /** When it began to arrive, in ms. */
  at: number
}

/** What is sent for a document: two requests are the same if this is. */
export function bodyOf<R, V>(document: TadaDocumentNode<R, V>, variables: V): string {
  return JSON.stringify({ query: textOf(document), variables })
}

/** Send it. Rejects when there is no answer, or only a part of one. */
export async function send(body: string, signal?: AbortSignal): Promise<Sent> {
  const answer = await fetch('/graphql', {
    method: 'POST',
    signal: signal ?? null,
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...credentials(),
    },
    body,
  })
  const at = Date.now()
  return { answer, text: await answer.text(), at }
}
