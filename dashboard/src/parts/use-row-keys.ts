import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from 'react'
import { useKeys } from './keys'

interface RowKeys {
  ref: RefObject<HTMLTableElement | null>
  onKeyDown: (event: KeyboardEvent) => void
  onFocus: (event: FocusEvent) => void
  onBlur: () => void
}

/**
 * Keys that go from row to row of a table, as in the list of runs: to the link that names a row, or to the row itself,
 * whose first link Enter follows, or else unfolds its details. A row that leaves the table with the focus gives it to the
 * next one.
 */
export function useRowKeys(rows: readonly unknown[]): RowKeys {
  const ref = useRef<HTMLTableElement>(null)
  const focused = useRef(-1)
  const all = (): HTMLTableRowElement[] => [...(ref.current?.tBodies[0]?.rows ?? [])]
  const here = (): number => all().findIndex((row) => row.contains(document.activeElement))
  const to = (index: number): void => {
    const row = all()[Math.max(0, Math.min(index, rows.length - 1))]
    if (row) nameOf(row).focus()
  }
  useKeys({ j: () => to(here() + 1), k: () => to(here() - 1) })
  useLayoutEffect(() => {
    if (focused.current >= 0 && document.activeElement === document.body) to(focused.current)
    // `to` is new each time, and does the same.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [rows])
  return {
    ref,
    onKeyDown: (event) => {
      const target = event.target as HTMLElement
      const row = all()[here()]
      if (!row || target !== nameOf(row)) return
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (by !== undefined) to(here() + by)
      else if (event.key === 'Enter' && target === row) row.querySelector<HTMLElement>('a, summary')?.click()
      else return
      event.preventDefault()
    },
    onFocus: () => (focused.current = here()),
    onBlur: () => (focused.current = -1),
  }
}

/** What has the focus for a row. */
function nameOf(row: HTMLTableRowElement): HTMLElement {
  return row.querySelector<HTMLElement>('th a') ?? row
}
