import { LOCALE } from './locale'

/** How numbers are written, and what is counted. */

export const number = new Intl.NumberFormat(LOCALE)
const plural = new Intl.PluralRules(LOCALE)

export const n = (count: number, one: string, other: string): string =>
  `${number.format(count)} ${plural.select(count) === 'one' ? one : other}`

/** Where the server stops counting. */
export const MAX_COUNT = 10_000

export interface Count {
  value: number
  kind: 'EXACT' | 'AT_LEAST'
}
