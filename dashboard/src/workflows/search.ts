import type { Choice } from '../filter/filter'
import { figuresChoice, type Order, writeFigures } from '../metrics/figures'

/** What the list of workflows shows, and its one spelling in the URL: what Metrics knows, and a text to search for. Pure. */
export interface Shown {
  choice: Choice
  order: Order
  q: string
  unknown: string[]
}

export function parseShown(query: string): Shown {
  const given = new URLSearchParams(query)
  const q = given.get('q') ?? ''
  given.delete('q')
  return { ...figuresChoice(given.toString()), q }
}

export function writeShown({ choice, order, q }: Omit<Shown, 'unknown'>): string {
  const query = writeFigures(choice, order)
  if (q !== '') query.set('q', q)
  return query.size ? `?${query}` : ''
}
