import { useRef, useState } from 'react'
import type { LiveList } from '../live/live-list'

export interface Selection {
  ids: ReadonlySet<string>
  size: number
  /** Whether all that match are meant, loaded or not. */
  all: boolean
  toggle(id: string, span: boolean): void
  /** Select both, and all between the last that was toggled and the second. */
  extend(from: string, to: string): void
  toggleLoaded(): void
  /** Select all that are loaded; those being selected, all that match. */
  widen(): void
  selectAll(): void
  clear(): void
}

const NONE: ReadonlySet<string> = new Set()

/** The rows that are chosen, by id: they stay chosen while the list changes around them. */
export function useSelection(list: LiveList, key: string): Selection {
  const [ids, setIds] = useState(NONE)
  // Of one choice: what matches another one was never looked at.
  const [allOf, setAllOf] = useState<string | null>(null)
  const anchor = useRef<string | null>(null)
  const set = (next: ReadonlySet<string>): void => {
    setIds(next)
    setAllOf(null)
  }
  const spanTo = (id: string): string[] => {
    const from = anchor.current === null ? -1 : list.ids.indexOf(anchor.current)
    const to = list.ids.indexOf(id)
    return from < 0 || to < 0 ? [id] : list.ids.slice(Math.min(from, to), Math.max(from, to) + 1)
  }
  return {
    ids,
    size: ids.size,
    all: allOf === key,
    toggle(id, span) {
      const next = new Set(ids)
      if (span) for (const each of spanTo(id)) next.add(each)
      else if (!next.delete(id)) next.add(id)
      if (!span || anchor.current === null) anchor.current = id
      set(next)
    },
    extend(from, to) {
      if (anchor.current === null || !ids.has(anchor.current)) anchor.current = from
      set(new Set([...ids, from, ...spanTo(to)]))
    },
    toggleLoaded() {
      set(list.ids.every((id) => ids.has(id)) ? NONE : new Set([...ids, ...list.ids]))
    },
    widen() {
      if (list.hasNext && list.ids.every((id) => ids.has(id))) setAllOf(key)
      else set(new Set([...ids, ...list.ids]))
    },
    selectAll() {
      setAllOf(key)
    },
    clear() {
      set(NONE)
      anchor.current = null
    },
  }
}
