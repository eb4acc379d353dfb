/**
 * Before the first paint, and before React is loaded: the theme that was chosen, and the first list. Built as one small
 * script of its own out of the sources that the page has (see early.ts beside vite.config.ts).
 */

import type {} from '../api/early'
import { bodyOf, send } from '../api/send'
import { filterOf, orderOf, pageOf } from '../filter/api-filter'
import { Executions } from '../filter/documents'
import { parseChoice } from '../filter/filter'
import { hrefs } from '../routes'

// React makes errors as it is loaded, which it may throw later. Their stacks, which nobody reads, would have V8 parse all of
// it once more, for their lines: 20 ms of CPU before the first row. main.tsx sets it back.
Object.assign(Error, { stackTraceLimit: 0 })

const theme = localStorage.getItem('runwatch.theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme

// A code in the fragment signs somebody in first, who is not the one that is signed in now.
if (location.pathname === hrefs.history() && !new URLSearchParams(location.hash.slice(1)).has('code')) {
  const { choice } = parseChoice(location.search)
  const at = Date.now()
  const body = bodyOf(Executions, pageOf(filterOf(choice, at), orderOf(choice)))
  const asking = new AbortController()
  const sent = send(body, asking.signal)
  sent.catch(() => {}) // the page hears of it when it takes it over
  globalThis.runwatchEarly = { body, at, sent, abort: () => asking.abort() }
}
