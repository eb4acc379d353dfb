import { auditTexts } from '../audit-texts'
import { hrefs } from '../routes'
import type { Entry } from './documents'

/** An entry in words, and where what it is about is shown. Pure. */

/** Where the details of an action have what it did so many of: a list, a map, or the number itself. */
const COUNTED = { retryExecutions: 'retries', resolveExecutions: 'executions', unresolveExecutions: 'executions', endSessions: 'sessions' } as const

type Told = Pick<Entry, 'action' | 'subject' | 'detail'>

/** What somebody did, behind the name of who it was. */
export function wordsOf({ action, detail }: Omit<Told, 'subject'>): string {
  const told = Object(detail) as Record<string, unknown>
  if (action === 'setErrorGroupState') {
    const { marked } = auditTexts
    return marked[String(told.state) as keyof typeof marked] ?? auditTexts.did(action)
  }
  const counted = action as keyof typeof COUNTED
  const count = sizeOf(told[COUNTED[counted]])
  return count === null ? auditTexts.did(action) : auditTexts.counted[counted](count)
}

function sizeOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  return typeof value === 'object' && value !== null ? Object.keys(value).length : null
}

const PAGES: Record<string, (id: string) => string> = {
  execution: hrefs.execution,
  workflow: hrefs.workflows,
  errorGroup: hrefs.errors,
  alertRule: hrefs.alerts,
  token: () => hrefs.tokens,
  session: () => hrefs.sessions,
}

/** The page that shows what an entry is about; null where there is none. */
export function hrefOf({ subject, detail }: Omit<Told, 'action'>): string | null {
  const { name, bulkRetry } = Object(detail) as Record<string, unknown>
  if (subject === null) return typeof bulkRetry === 'string' ? hrefs.history(new URLSearchParams({ retry: bulkRetry })) : null
  const kind = subject.split('_', 1)[0]!
  // The page of an engine has its name.
  if (kind === 'engine') return typeof name === 'string' ? hrefs.engines(name) : null
  return Object.hasOwn(PAGES, kind) ? PAGES[kind]!(subject) : null
}
