import type { JSX } from 'react'
import { now as currentTime, useNow } from '../time/clock'
import { absolute, ago } from '../time/time'
import { useZone } from './settings'
import { Tooltip } from './tooltip'

const YOUNG_MS = 60_000

/** A time relative to now; the exact one, in the chosen zone and in UTC, on hover and focus. */
export function When({ at, focusable = false, inRow = false }: { at: string; focusable?: boolean; inRow?: boolean }): JSX.Element {
  const now = useNow(currentTime() - Date.parse(at) < YOUNG_MS)
  const zone = useZone()
  return (
    <Tooltip text={() => `${absolute(at, zone)}\n${at}`} focusable={focusable} inRow={inRow}>
      <time dateTime={at} className="numbers">
        {ago(at, now)}
      </time>
    </Tooltip>
  )
}
