import { hrefs } from '../routes'

/** The pages of the rail, and the keys that lead to them. A phone has room for the first three; the others are behind More. */
export const PAGES = [
  { name: 'history', href: hrefs.history(), key: 'g h' },
  { name: 'errors', href: hrefs.errors(), key: 'g e' },
  { name: 'metrics', href: hrefs.metrics(), key: 'g m' },
  { name: 'workflows', href: hrefs.workflows(), key: 'g w' },
  { name: 'alerts', href: hrefs.alerts, key: 'g a' },
  { name: 'engines', href: hrefs.engines(), key: 'g n' },
  { name: 'graphiql', href: hrefs.graphiql, key: null },
] as const
export const ON_A_PHONE = 3
