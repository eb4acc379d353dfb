import { firstPages, type Page } from '../api/pages'
import type { Count } from '../counts'
import type { Choice } from '../filter/filter'
import { metricsFilter, type MetricsFilter, windowOf } from '../metrics/figures'
import { idsOf } from '../metrics/use-figures'
import { type Polled, usePolled } from '../parts/use-polled'

interface PageOf<T> extends Page {
  nodes: readonly T[]
  totalCount: Count
}

export interface Listed<T> {
  rows: readonly T[]
  total: Count
  more: boolean
}

/** The first pages of a list of a window, again and again; the key tells one list from another. */
export function usePages<T>(
  key: string,
  choice: Choice,
  pages: number,
  load: (filter: MetricsFilter, after: string | null, signal: AbortSignal) => Promise<PageOf<T>>,
): Polled<Listed<T>> {
  return usePolled(`${pages} ${key}`, async (signal, at) => {
    const ids = choice.workflow.length ? await idsOf(choice.workflow, signal) : null
    const filter = metricsFilter(choice, windowOf(choice, at), ids)
    const { rows, last, more } = await firstPages<PageOf<T>>(pages, (after) => load(filter, after, signal))
    return { rows, total: last.totalCount, more }
  })
}
