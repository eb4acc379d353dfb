import { hrefs } from '../routes'

interface Place<Name extends string, Keys extends string | null> {
  name: Name
  href: string
  /** The keys that lead to it. */
  key: Keys
  /** Only an administrator's. */
  forAdmin?: boolean
}

export type Page = Place<
  'history' | 'errors' | 'metrics' | 'workflows' | 'alerts' | 'engines' | 'audit' | 'graphiql',
  'g h' | 'g m' | 'g w' | 'g e' | 'g a' | 'g n' | 'g u' | null
>
type AccountPage = Place<'tokens' | 'sessions' | 'about', null>

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

/** Those of the account's menu. */
const OF_ACCOUNT: readonly AccountPage[] = [
  { name: 'tokens', href: hrefs.tokens, key: null, forAdmin: true },
  { name: 'sessions', href: hrefs.sessions, key: null },
  { name: 'about', href: hrefs.about, key: null },
]

type Somebody = { role: string } | null

/** The rail's that somebody with a role sees; null while it is not known. */
export function pagesOf(viewer: Somebody): readonly Page[] {
  return PAGES.filter(({ forAdmin }) => !forAdmin || viewer?.role === 'ADMIN')
}

/** The same, of the account's menu. */
export function accountPagesOf(viewer: Somebody): readonly AccountPage[] {
  return OF_ACCOUNT.filter(({ forAdmin }) => !forAdmin || viewer?.role === 'ADMIN')
}
