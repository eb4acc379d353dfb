import { hrefs } from '../routes'
import { texts } from '../texts'
import { absolute } from '../time/time'
import type { Run } from './documents'

/** What one copies of a run, to show it to others. None of it has a token, or a sealed value. */

export function linkOf(run: Pick<Run, 'id'>): string {
  return `${location.origin}${hrefs.execution(run.id)}`
}

/** Link, status, workflow, the first line of the message, and when: what one pastes into a chat, as text and as HTML. */
export function forChat(run: Run, zone: string): [text: string, html: string] {
  const state = texts.state[run.state]
  const why = run.error ? ` – ${run.error.message.split('\n', 1)[0]}` : ''
  const rest = `${why} (${absolute(run.queuedAt, zone)})`
  const link = linkOf(run)
  return [
    `${state}: ${run.workflowName}${rest}\n${link}`,
    `<b>${state}</b>: <a href="${escaped(link)}">${escaped(run.workflowName)}</a>${escaped(rest)}`,
  ]
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/** GraphiQL with the very query of the run's page. */
export function graphiqlOf(run: Pick<Run, 'id'>): string {
  return `${hrefs.graphiql}#${new URLSearchParams({ execution: run.id })}`
}
