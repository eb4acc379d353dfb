import type { Choice } from '../filter/filter'
import { figuresChoice, writeFigures } from '../metrics/figures'
import type { GroupState } from './documents'

/** What the list of errors shows, and its one spelling in the URL. Pure. */

export const ORDERS = { count: 'COUNT', unresolved: 'UNRESOLVED', last: 'LAST_SEEN', first: 'FIRST_SEEN' } as const
export type Order = keyof typeof ORDERS
export const STATES: readonly GroupState[] = ['OPEN', 'REGRESSED', 'RESOLVED', 'MUTED']

export interface Shown {
  choice: Choice
  order: Order
  /** None: any. */
  states: GroupState[]
  q: string
  unknown: string[]
}

export function parseShown(query: string): Shown {
  const given = new URLSearchParams(query)
  const sort = given.get('sort') ?? ''
  const order = Object.hasOwn(ORDERS, sort) ? (sort as Order) : 'count'
  const asked = given.getAll('state').map((each) => each.toUpperCase())
  const states = STATES.filter((state) => asked.includes(state))
  const q = given.get('q') ?? ''
  if (Object.hasOwn(ORDERS, sort)) given.delete('sort')
  if (asked.every((each) => (STATES as readonly string[]).includes(each))) given.delete('state')
  given.delete('q')
  const { choice, unknown } = figuresChoice(given.toString())
  return { choice, order, states, q, unknown }
}

export function writeShown({ choice, order, states, q }: Omit<Shown, 'unknown'>): string {
  const query = writeFigures(choice, 'failed')
  for (const state of STATES) if (states.includes(state)) query.append('state', state.toLowerCase())
  if (q !== '') query.set('q', q)
  if (order !== 'count') query.set('sort', order)
  return query.size ? `?${query}` : ''
}
