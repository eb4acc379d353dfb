import type { JSX } from 'react'
import { alertTexts } from '../alert-texts'
import { When } from '../parts/when'
import { now } from '../time/clock'
import type { Previewed } from './documents'

const DAYS = 7
const DAY_MS = 86_400_000

/** How often a rule would have fired, of how many runs, and since when where that is not all. */
export function PreviewLine({ preview }: { preview: Omit<Previewed, 'firedAt'> }): JSX.Element {
  return (
    <p className="dim">
      {alertTexts.wouldHave(preview.count)} · {alertTexts.lookedAt(preview.runs)}
      {!preview.complete && (
        <>
          {' '}
          {alertTexts.since} <When at={preview.since} />
        </>
      )}
    </p>
  )
}

/** When it would have fired: a mark for each time, over the seven days. The line beside it says it in words. */
export function PreviewStrip({ times }: { times: readonly string[] }): JSX.Element {
  const start = now() - DAYS * DAY_MS
  return (
    <svg className="strip" viewBox="0 0 700 24" preserveAspectRatio="none" aria-hidden="true">
      {Array.from({ length: DAYS + 1 }, (_, day) => (
        <line key={day} className="day" x1={day * 100} x2={day * 100} y1="14" y2="24" />
      ))}
      <line className="day" x1="0" x2="700" y1="23" y2="23" />
      {times.map((at, index) => {
        const x = Math.max(1, Math.min(699, ((Date.parse(at) - start) / (DAYS * DAY_MS)) * 700))
        return <line key={index} className="mark" x1={x} x2={x} y1="2" y2="20" />
      })}
    </svg>
  )
}
