/** Every address of the page, in one place. */
export const BASE = '/admin/automations'

export const hrefs = {
  history: (query?: URLSearchParams): string => `${BASE}/history${query?.size ? `?${query}` : ''}`,
  execution: (id: string): string => `${BASE}/executions/${encodeURIComponent(id)}`,
  signIn: `${BASE}/sign-in`,
  graphiql: '/graphiql',
  guide: `${BASE}/api-guide.html`,
  events: `${BASE}/events-guide.html`,
} as const

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
