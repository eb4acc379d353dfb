import type { Column } from './columns'

/** Columns of an exported list, as the API has them. Pure: no React, no DOM. */

export const EXPORTED = [
  'id', 'externalId', 'workflow', 'engine', 'status', 'state', 'triggerKind', 'triggerLabel', 'queuedAt', 'startedAt', 'finishedAt',
  'durationMs', 'failedStep', 'errorType', 'errorMessage', 'retryOf', 'requestedBy',
] as const
export type Exported = (typeof EXPORTED)[number]

/** What the cells of the list are made of. */
const OF_LIST: Record<Column, readonly Exported[]> = {
  status: ['status', 'state'],
  workflow: ['workflow'],
  happened: ['triggerLabel', 'failedStep', 'errorType', 'errorMessage', 'retryOf'],
  trigger: ['triggerKind'],
  queued: ['queuedAt'],
  duration: ['durationMs'],
  engine: ['engine'],
  started: ['startedAt'],
  finished: ['finishedAt'],
  waited: ['queuedAt', 'startedAt'],
  externalId: ['externalId'],
  requestedBy: ['requestedBy'],
}

/** Those of some columns of the list, in their order, behind the id, which tells runs apart. */
export function asInList(columns: readonly Column[]): Exported[] {
  return [...new Set<Exported>(['id', ...columns.flatMap((each) => OF_LIST[each])])]
}

/** Those that somebody chose the last time, in that order; all of them where nobody did, or none of them is known. */
export function parseExported(names: unknown): Exported[] {
  const isKnown = (name: unknown): name is Exported => (EXPORTED as readonly unknown[]).includes(name)
  const known = Array.isArray(names) ? [...new Set(names.filter(isKnown))] : []
  return known.length ? known : [...EXPORTED]
}

/** What is kept for the next time; null for all of them, as the API has them. */
export function keptExported(columns: readonly Exported[]): Exported[] | null {
  return columns.join() === EXPORTED.join() ? null : [...columns]
}

/** Every column: some first, then the others. */
export function startingWith(columns: readonly Exported[]): Exported[] {
  return [...new Set([...columns, ...EXPORTED])]
}
