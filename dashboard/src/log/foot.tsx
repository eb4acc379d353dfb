import type { JSX } from 'react'
import type { LiveLog } from '../live/live-log'
import { runTexts } from '../run-texts'

/** Where one is in the log, what is marked, and the ways to both ends. */
export function Foot({
  log,
  shown,
  marked,
  pending,
  atEnd,
  onStart,
  onEnd,
  onCopy,
  onUnmark,
  tall,
  onTall,
}: {
  log: LiveLog
  /** The first and the last line that are looked at, from 1. */
  shown: readonly [number, number]
  marked: readonly [number, number] | null
  pending: boolean
  atEnd: boolean
  onStart: () => void
  onEnd: () => void
  onCopy: () => void
  onUnmark: () => void
  /** Whether it takes the whole window. */
  tall: boolean
  onTall: () => void
}): JSX.Element {
  return (
    <div className="log-foot dim">
      {marked ? (
        <span className="log-marks" role="status">
          {runTexts.log.marked(marked[1] - marked[0])}
          <button type="button" onClick={onCopy}>
            {runTexts.log.copyLines}
          </button>
          <button type="button" className="link" onClick={onUnmark}>
            {runTexts.log.unmark}
          </button>
        </span>
      ) : (
        <span className="numbers">{!log.opening && log.total > 0 && runTexts.log.place(...shown, log.total, log.atLeast)}</span>
      )}
      <span className="end">
        {pending && atEnd && <span className="following">{runTexts.log.following}</span>}
        {shown[0] > 1 && (
          <button type="button" className="link" onClick={onStart}>
            {runTexts.log.toStart}
          </button>
        )}
        {!atEnd && (
          <button type="button" className="link" onClick={onEnd}>
            {pending ? runTexts.log.follow : runTexts.log.toEnd}
          </button>
        )}
        {(tall || shown[1] - shown[0] + 1 < log.total) && (
          <button type="button" className="link" aria-pressed={tall} onClick={onTall}>
            {tall ? runTexts.log.smaller : runTexts.log.larger}
          </button>
        )}
      </span>
    </div>
  )
}
