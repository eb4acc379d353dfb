import { LOCALE } from './locale'

/** How numbers are written, and what is counted. Intl's first format takes 12 ms of CPU: few rows need one. */

let grouped: Intl.NumberFormat | undefined

export const number = {
  format(value: number): string {
    if (Number.isInteger(value) && value >= 0 && value < 1_000) return String(value)
    return (grouped ??= new Intl.NumberFormat(LOCALE)).format(value)
  },
}

/** With one digit behind the point, if that says anything; below a thousand, as nothing is grouped. */
export function tenths(value: number): string {
  return String(Math.round(value * 10) / 10)
}

export const n = (count: number, one: string, other: string): string => `${number.format(count)} ${count === 1 ? one : other}`

/** Where the server stops counting. */
export const MAX_COUNT = 10_000

export interface Count {
  value: number
  kind: 'EXACT' | 'AT_LEAST'
}
