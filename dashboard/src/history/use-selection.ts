import { useRef, useState } from 'react'
import type { LiveList } from '../live/live-list'

export interface Selection {
  ids: ReadonlySet<string>
  size: number
  toggle(id: string, span: boolean): void
  toggleLoaded(): void
  clear(): void
}

/** The rows that are chosen, by id: they stay chosen while the list changes around them. */
export function useSelection(list: LiveList): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const anchor = useRef<string | null>(null)
  return {
    ids,
    size: ids.size,
    toggle(id, span) {
      const next = new Set(ids)
      const from = span && anchor.current !== null ? list.ids.indexOf(anchor.current) : -1
      const to = list.ids.indexOf(id)
      if (from >= 0 && to >= 0) {
        for (const each of list.ids.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(each)
      } else if (!next.delete(id)) next.add(id)
      anchor.current = id
      setIds(next)
    },
    toggleLoaded() {
      setIds(list.ids.every((id) => ids.has(id)) ? new Set() : new Set([...ids, ...list.ids]))
    },
    clear() {
      setIds(new Set())
    },
  }
}
