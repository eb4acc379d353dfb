import { type Choice, NOTHING, parseChoice, startOf, writeChoice } from '../filter/filter'
import type { AuditFilter } from './documents'

/** What the page of the audit shows, and its one spelling in the URL. Pure. */
export interface Shown {
  actor: string[]
  action: string[]
  subject: string | null
  /** The time alone counts of it. */
  choice: Choice
  unknown: string[]
}

const OWN = ['actor', 'action', 'subject'] as const

export function parseShown(query: string): Shown {
  const given = new URLSearchParams(query)
  const [actor, action, [subject]] = OWN.map((name) => given.getAll(name)) as [string[], string[], string[]]
  for (const name of OWN) given.delete(name)
  const { choice, unknown } = parseChoice(given.toString())
  const { range, from, to } = choice
  const time = { ...NOTHING, range, from, to }
  const rest = writeChoice({ ...choice, range: null, from: null, to: null })
  return { actor, action, subject: subject ?? null, choice: time, unknown: [...unknown, ...[...rest].map(([name, value]) => `${name}=${value}`)] }
}

export function writeShown({ actor, action, subject, choice }: Omit<Shown, 'unknown'>): string {
  const query = new URLSearchParams()
  for (const each of actor) query.append('actor', each)
  for (const each of action) query.append('action', each)
  if (subject !== null) query.set('subject', subject)
  for (const [name, value] of writeChoice(choice)) query.set(name, value)
  return query.size ? `?${query}` : ''
}

/** The filter that the API takes; a relative range is counted back from `now`. */
export function auditFilter({ actor, action, subject, choice }: Shown, now: number): AuditFilter {
  const filter: AuditFilter = {}
  if (actor.length) filter.actor = actor
  if (action.length) filter.action = action
  if (subject !== null) filter.subject = subject
  if (choice.range !== null) filter.from = startOf(choice.range, now)
  if (choice.from !== null) filter.from = choice.from
  if (choice.to !== null) filter.to = choice.to
  return filter
}
