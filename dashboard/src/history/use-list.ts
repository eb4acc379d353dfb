import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { type Choice, writeChoice } from '../filter/filter'
import { offerPause } from '../frame/connection'
import type { LiveList } from '../live/live-list'
import { useApart } from '../time/clock'
import { enter, type Kept, leave, listOf } from './lists'

export interface Listed {
  /** Of the choice. */
  list: LiveList
  key: string
  /** Of what shows: the list of the choice before, until this one's is there. */
  shown: { kept: Kept; key: string }
  stale: boolean
}

/** The runs of a choice, followed while a screen shows them. What was there stays until the answer is there. */
export function useList(choice: Choice): Listed {
  const key = writeChoice(choice).toString()
  const wrongBy = useApart()
  // oxlint-disable-next-line react/exhaustive-deps
  const kept = useMemo(() => listOf(choice), [key, wrongBy])
  const { list } = kept
  useSyncExternalStore(list.subscribe, () => list.version)
  const before = useRef<Listed['shown'] | null>(null)
  if (list.orderedAt !== null || !before.current) before.current = { kept, key }
  const shown = before.current
  useEffect(() => {
    enter(kept)
    return () => leave(kept)
  }, [kept])
  useEffect(() => {
    offerPause({
      paused: list.paused,
      held: list.heldCount,
      resyncedAt: list.resyncedAt,
      toggle: () => (list.paused ? list.resume() : list.pause()),
    })
    return () => offerPause(null)
  }, [list, list.paused, list.heldCount, list.resyncedAt])
  // The first runs of an empty list move nothing: they show by themselves.
  const first = list.orderedAt !== null && list.ids.length === 0 && list.waiting.size > 0 && list.loading === null
  useEffect(() => {
    if (first) void list.reveal()
  }, [first, list])
  return { list, key, shown, stale: shown.kept !== kept }
}
