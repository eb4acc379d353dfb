import { hrefs } from '../routes'

export interface Page {
  name: 'history' | 'errors' | 'metrics' | 'workflows' | 'alerts' | 'engines' | 'audit' | 'graphiql'
  href: string
  /** The keys that lead to it. */
  key: 'g h' | 'g m' | 'g w' | 'g e' | 'g a' | 'g n' | 'g u' | null
  /** Only an administrator's. */
  forAdmin?: boolean
}

/** The pages of the rail. A phone has room for the first three; the others are behind More. */
const PAGES: readonly Page[] = [
  { name: 'history', href: hrefs.history(), key: 'g h' },
  { name: 'errors', href: hrefs.errors(), key: 'g e' },
  { name: 'metrics', href: hrefs.metrics(), key: 'g m' },
  { name: 'workflows', href: hrefs.workflows(), key: 'g w' },
  { name: 'alerts', href: hrefs.alerts(), key: 'g a' },
  { name: 'engines', href: hrefs.engines(), key: 'g n' },
  { name: 'audit', href: hrefs.audit(), key: 'g u', forAdmin: true },
  { name: 'graphiql', href: hrefs.graphiql, key: null },
]
export const ON_A_PHONE = 3

/** Those that somebody with a role sees; null while it is not known. */
export function pagesOf(viewer: { role: string } | null): readonly Page[] {
  return PAGES.filter(({ forAdmin }) => !forAdmin || viewer?.role === 'ADMIN')
}
