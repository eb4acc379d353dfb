import { type RefObject, useEffect, useRef } from 'react'
import type { LiveList } from '../live/live-list'

/** Rows must not run away while one reads: so seldom at most. */
const PAUSE_MS = 2_000

/**
 * New runs show by themselves while nobody works with the list: a display on a wall. They wait as ever while it is scrolled
 * down, the pointer is over it, or the focus is in it.
 */
export function useFollow(list: LiveList, on: boolean, place: RefObject<HTMLElement | null>, kept: { top: number }): void {
  const shownAt = useRef(0)
  const waiting = list.waiting.size
  useEffect(() => {
    if (!on || waiting === 0 || list.paused) return
    let timer: ReturnType<typeof setTimeout>
    const look = (): void => {
      const table = place.current
      const isUsed = table === null || kept.top > 0 || table.matches(':hover') || table.contains(document.activeElement)
      if (isUsed || document.hidden) timer = setTimeout(look, PAUSE_MS)
      else {
        shownAt.current = Date.now()
        void list.reveal()
      }
    }
    timer = setTimeout(look, Math.max(0, shownAt.current + PAUSE_MS - Date.now()))
    return () => clearTimeout(timer)
  }, [on, waiting, list, list.paused, place, kept])
}
