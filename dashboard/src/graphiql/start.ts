import { parse } from 'graphql'
import { textOf } from '../api/graphql'
import { ExecutionDetail } from '../execution/documents'
import { filterOf, orderOf } from '../filter/api-filter'
import { Executions } from '../filter/documents'
import { parseChoice } from '../filter/filter'

/** What a link asks for. */
export interface Linked {
  query: string
  variables: string
  /** Whether it would change data: the page warns before it can run. */
  mutates: boolean
}

const ROWS = 20

/**
 * Read the fragment: query and variables come in it alone, as they may hold what no log should see. Headers never come
 * from a link. `history` is the list's own URL, `execution` the id of a run: of these the very query of the page is made.
 */
export function linked(fragment: string, now: number): Linked | null {
  const given = new URLSearchParams(fragment)
  const query = given.get('query')
  if (query !== null) return { query, variables: given.get('variables') ?? '', mutates: mutates(query) }
  const id = given.get('execution')
  if (id !== null) return { query: textOf(ExecutionDetail), variables: JSON.stringify({ id }, null, 2), mutates: false }
  const shown = given.get('history')
  if (shown === null) return null
  const { choice } = parseChoice(shown)
  const variables = { first: ROWS, filter: filterOf(choice, now), order: orderOf(choice) }
  return { query: textOf(Executions), variables: JSON.stringify(variables, null, 2), mutates: false }
}

function mutates(query: string): boolean {
  try {
    return parse(query).definitions.some((each) => 'operation' in each && each.operation === 'mutation')
  } catch {
    return /\bmutation\b/.test(query) // what this parser refuses, the server's might take
  }
}

/** The operation as a shell command. The token stays a variable: what is copied is pasted into chats. */
export function curlOf(origin: string, query: string, variables: string): string {
  let sent: unknown
  try {
    sent = variables.trim() === '' ? undefined : JSON.parse(variables)
  } catch {
    sent = undefined // half typed
  }
  const body = JSON.stringify(sent === undefined ? { query } : { query, variables: sent }).replaceAll("'", String.raw`'\''`)
  return `curl '${origin}/graphql' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '${body}'`
}
