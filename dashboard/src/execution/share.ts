import { hrefs } from '../routes'
import { texts } from '../texts'
import { absolute } from '../time/time'
import type { Run } from './documents'

/** What one copies of a run, to show it to others. None of it has a token, or a sealed value. */

export function linkOf(run: Pick<Run, 'id'>): string {
  return `${location.origin}${hrefs.execution(run.id)}`
}

/** Link, status, workflow, the first line of the message, and when: what one pastes into a chat. */
export function forChat(run: Run, zone: string): string {
  const why = run.error ? ` – ${run.error.message.split('\n', 1)[0]}` : ''
  return `${texts.state[run.state]}: ${run.workflowName}${why} (${absolute(run.queuedAt, zone)})\n${linkOf(run)}`
}

/** GraphiQL with the very query of the run's page. */
export function graphiqlOf(run: Pick<Run, 'id'>): string {
  return `${hrefs.graphiql}#${new URLSearchParams({ execution: run.id })}`
}
