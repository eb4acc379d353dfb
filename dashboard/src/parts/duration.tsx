import type { JSX } from 'react'
import type { RunRow } from '../filter/documents'
import { texts } from '../texts'
import { useNow } from '../time/clock'
import { duration, millis } from '../time/time'

/** How long it took; of a running one, how long it takes so far: with an ellipsis, so that a picture tells. */
export function Duration({ row }: { row: Pick<RunRow, 'durationMs' | 'startedAt' | 'finishedAt' | 'state'> }): JSX.Element {
  const running = row.durationMs === null && row.startedAt !== null && row.finishedAt === null
  return running ? <Running since={row.startedAt!} /> : <>{row.durationMs === null ? texts.none : duration(row.durationMs)}</>
}

/** How long it takes so far. */
export function Running({ since }: { since: string }): JSX.Element {
  const now = useNow(true)
  return <>{duration(Math.max(0, now - millis(since)))}…</>
}
