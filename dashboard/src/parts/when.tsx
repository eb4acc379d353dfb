import type { JSX } from 'react'
import { now as currentTime, useNow } from '../time/clock'
import { absolute, ago, until } from '../time/time'
import { useZone } from './settings'
import { Tooltip } from './tooltip'

const YOUNG_MS = 60_000

/** A time relative to now; the exact one, in the chosen zone and in UTC, on hover and focus. */
export function When({
  at, focusable = false, inRow = false, ahead = false,
}: {
  at: string
  focusable?: boolean
  inRow?: boolean
  /** Whether it is a time that is to come; any other is in the past, whatever this clock says. */
  ahead?: boolean
}): JSX.Element {
  const now = useNow(currentTime() - Date.parse(at) < YOUNG_MS)
  const zone = useZone()
  return (
    <Tooltip text={() => `${absolute(at, zone)}\n${at}`} focusable={focusable} inRow={inRow}>
      <time dateTime={at} className="numbers">
        {ahead ? until(at, now) : ago(at, now)}
      </time>
    </Tooltip>
  )
}
