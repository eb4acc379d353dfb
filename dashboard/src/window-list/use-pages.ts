import type { Count } from '../counts'
import type { Choice } from '../filter/filter'
import { metricsFilter, type MetricsFilter, windowOf } from '../metrics/figures'
import { idsOf } from '../metrics/use-figures'
import { type Polled, usePolled } from '../parts/use-polled'

export interface Page<T> {
  rows: readonly T[]
  total: Count
  /** Null: there is no more. */
  after: string | null
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
  load: (filter: MetricsFilter, after: string | null, signal: AbortSignal) => Promise<Page<T>>,
): Polled<Listed<T>> {
  return usePolled(`${pages} ${key}`, async (signal, at) => {
    const ids = choice.workflow.length ? await idsOf(choice.workflow, signal) : null
    const filter = metricsFilter(choice, windowOf(choice, at), ids)
    const rows: T[] = []
    let after: string | null = null
    for (let left = pages; ; ) {
      const page: Page<T> = await load(filter, after, signal)
      rows.push(...page.rows)
      after = page.after
      left -= 1
      if (left === 0 || after === null) return { rows, total: page.total, more: after !== null }
    }
  })
}
