import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from 'react'
import { useKeys } from './keys'

interface RowKeys {
  ref: RefObject<HTMLTableElement | null>
  onKeyDown: (event: KeyboardEvent) => void
  onFocus: (event: FocusEvent) => void
  onBlur: () => void
}

/**
 * For a table whose rows are named by links: keys go from one link to the next, as in the list of runs; a row that leaves
 * the table with the focus gives it to the next one.
 */
export function useRowKeys(rows: readonly unknown[]): RowKeys {
  const ref = useRef<HTMLTableElement>(null)
  const focused = useRef(-1)
  const all = (): HTMLTableRowElement[] => [...(ref.current?.tBodies[0]?.rows ?? [])]
  const here = (): number => all().findIndex((row) => row.contains(document.activeElement))
  const to = (index: number): void => all()[Math.max(0, Math.min(index, rows.length - 1))]?.querySelector<HTMLElement>('th a')?.focus()
  useKeys({ j: () => to(here() + 1), k: () => to(here() - 1) })
  useLayoutEffect(() => {
    if (focused.current >= 0 && document.activeElement === document.body) to(focused.current)
    // `to` is new each time, and does the same.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [rows])
  return {
    ref,
    onKeyDown: (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (by === undefined || !(event.target as Element).matches('th a')) return
      to(here() + by)
      event.preventDefault()
    },
    onFocus: () => (focused.current = here()),
    onBlur: () => (focused.current = -1),
  }
}
