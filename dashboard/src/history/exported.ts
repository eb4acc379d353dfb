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

/** Those of some columns of the list, and the id, which tells runs apart. */
export function asInList(columns: readonly Column[]): Exported[] {
  const shown = new Set<Exported>(['id', ...columns.flatMap((each) => OF_LIST[each])])
  return EXPORTED.filter((each) => shown.has(each))
}

/** Those that somebody chose the last time; all of them where nobody did, or none of them is known. */
export function parseExported(names: unknown): Exported[] {
  const known = Array.isArray(names) ? EXPORTED.filter((each) => names.includes(each)) : []
  return known.length ? known : [...EXPORTED]
}
