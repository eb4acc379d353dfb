import { type FormEvent, type JSX, useState } from 'react'
import { errorTexts } from '../error-texts'
import { Dialog } from '../parts/dialog'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { now } from '../time/clock'
import { dayOf, instantOf, wallOf } from '../time/zoned'

const MORNING = 9

/** Until when nobody wants to see a group: a time of the page's zone, at first the next morning. */
export function MuteDialog({ onMute, onClose }: { onMute: (until: string) => void; onClose: () => void }): JSX.Element {
  const zone = useZone()
  const [until, setUntil] = useState(() => written(dayOf(now(), zone, 1), zone, MORNING))
  const mute = (event: FormEvent): void => {
    event.preventDefault()
    const [year, month, day, hour, minute] = until.split(/\D/).map(Number) as [number, number, number, number, number]
    onMute(new Date(instantOf({ year, month, day, hour, minute, second: 0 }, zone)).toISOString())
    onClose()
  }
  return (
    <Dialog title={errorTexts.muteTitle} onClose={onClose} className="of-group">
      <form onSubmit={mute}>
        <label>
          {errorTexts.muteAt(zone)}{' '}
          <input type="datetime-local" required value={until} min={written(now(), zone)} onChange={(event) => setUntil(event.target.value)} />
        </label>
        <div className="actions">
          <button type="button" onClick={onClose}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary">
            {errorTexts.mute}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

/** An instant as such a field has it; `hour`: another hour of its day. */
function written(at: number, zone: string, hour?: number): string {
  const wall = wallOf(at, zone)
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${wall.year}-${two(wall.month)}-${two(wall.day)}T${two(hour ?? wall.hour)}:${two(hour === undefined ? wall.minute : 0)}`
}
