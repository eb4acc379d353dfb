/** Every address of the page, in one place. */
export const BASE = '/admin/automations'

export const hrefs = {
  history: (query?: URLSearchParams): string => `${BASE}/history${query?.size ? `?${query}` : ''}`,
  metrics: (query?: URLSearchParams): string => `${BASE}/metrics${query?.size ? `?${query}` : ''}`,
  errors: (id?: string, query?: URLSearchParams): string =>
    `${BASE}/errors${id === undefined ? '' : `/${encodeURIComponent(id)}`}${query?.size ? `?${query}` : ''}`,
  workflows: (id?: string, query?: URLSearchParams): string =>
    `${BASE}/workflows${id === undefined ? '' : `/${encodeURIComponent(id)}`}${query?.size ? `?${query}` : ''}`,
  audit: (query?: URLSearchParams): string => `${BASE}/audit${query?.size ? `?${query}` : ''}`,
  tokens: `${BASE}/tokens`,
  sessions: `${BASE}/sessions`,
  about: `${BASE}/about`,
  execution: (id: string): string => `${BASE}/executions/${encodeURIComponent(id)}`,
  alerts: (rule?: string): string => `${BASE}/alerts${rule === undefined ? '' : `?${new URLSearchParams({ rule })}`}`,
  engines: (name?: string): string => `${BASE}/engines${name === undefined ? '' : `/${encodeURIComponent(name)}`}`,
  signIn: `${BASE}/sign-in`,
  graphiql: '/graphiql',
  guide: `${BASE}/api-guide.html`,
  events: `${BASE}/events-guide.html`,
} as const

/** The engine that an address of the page names; null: it names none. The router decodes only half of what names may have. */
export function engineOf(pathname: string): string | null {
  const name = pathname.slice(`${BASE}/engines/`.length)
  if (!name) return null
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Where to go after a sign-in: a path of this page or GraphiQL's; anything else is ignored. */
export function safeNext(next: string | null): string {
  if (next === null) return hrefs.history()
  const url = URL.parse(next, 'http://here.invalid')
  if (url?.origin !== 'http://here.invalid' || !next.startsWith('/') || next.startsWith('//')) return hrefs.history()
  const { pathname } = url
  return pathname.startsWith(`${BASE}/`) || pathname === hrefs.graphiql
    ? `${pathname}${url.search}${url.hash}`
    : hrefs.history()
}
