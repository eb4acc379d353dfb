import { LOCALE } from '../locale'

/** Compares names as people do: by the value of numbers in them, and by their case at last. */
export const byName = new Intl.Collator(LOCALE, { numeric: true }).compare
