import { hrefs } from '../routes'

/** The pages of the rail. A phone has room for the first three; the others are behind More. */
export const PAGES = [
  { name: 'history', href: hrefs.history() },
  { name: 'metrics', href: hrefs.metrics() },
  { name: 'workflows', href: hrefs.workflows() },
  { name: 'engines', href: hrefs.engines() },
  { name: 'graphiql', href: hrefs.graphiql },
] as const
export const ON_A_PHONE = 3
