import { type JSX, useEffect } from 'react'
import type { LiveList } from '../live/live-list'
import { announce } from '../parts/announce'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { clockTime } from '../time/time'

/** What has happened since the list was asked for, and the way to it: nothing moves before somebody presses. */
export function Pill({
  list,
  newestFirst,
  onPress,
}: {
  list: LiveList
  newestFirst: boolean
  onPress: () => void
}): JSX.Element {
  const zone = useZone()
  const { size } = list.waiting
  useEffect(() => {
    if (size) announceNew(size)
  }, [size])
  return (
    <div className="pill-place">
      {newestFirst
        ? size > 0 && (
            <button type="button" className="pill" onClick={onPress}>
              ↑ {texts.history.newRuns(size)} <kbd>.</kbd>
            </button>
          )
        : list.outOfOrder && (
            <button type="button" className="pill quiet" onClick={onPress}>
              <span>
                {texts.history.sortedAsOf(clockTime(new Date(list.orderedAt ?? 0).toISOString(), zone).slice(0, 8))}
                {size > 0 && ` · ${texts.history.newRuns(size)}`}
              </span>
              <b>{texts.history.sortAgain}</b> <kbd>.</kbd>
            </button>
          )}
    </div>
  )
}

const ANNOUNCE_MS = 10_000
let announcedAt = 0

function announceNew(count: number): void {
  if (Date.now() - announcedAt < ANNOUNCE_MS) return
  announcedAt = Date.now()
  announce(texts.history.newRuns(count))
}
