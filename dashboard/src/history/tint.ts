import type { RunRow } from '../filter/documents'
import type { Column } from './columns'

const TINT_MS = 600
const still = matchMedia('(prefers-reduced-motion: reduce)')

/** What of a run a column shows; a column that is not here shows what never changes. */
const SHOWN: Partial<Record<Column, (row: RunRow) => unknown[]>> = {
  status: ({ state }) => [state],
  happened: ({ state, dueAt, error, failedStep, currentStep, resolved }) => [
    state === 'QUEUED', dueAt, error?.message, failedStep?.name, currentStep?.index, currentStep?.name, resolved,
  ],
  duration: ({ durationMs }) => [durationMs],
  started: ({ startedAt }) => [startedAt],
  finished: ({ finishedAt }) => [finishedAt],
  waited: ({ queueMs }) => [queueMs],
}

/** The columns in which a newer row says something else. */
export function changedColumns(before: RunRow, after: RunRow, columns: readonly Column[]): Column[] {
  return columns.filter((column) => String(SHOWN[column]?.(before)) !== String(SHOWN[column]?.(after)))
}

/** Colour cells of a row for a moment, unless motion is not wanted. */
export function tint(row: Element | null, columns: readonly Column[]): void {
  if (still.matches) return
  for (const column of columns) {
    const cell = row?.querySelector(`:scope > [data-cell=${column}]`)
    const colour = cell && getComputedStyle(cell).getPropertyValue('--accent-soft')
    cell?.animate([{ backgroundColor: colour! }, { backgroundColor: 'transparent' }], TINT_MS)
  }
}
