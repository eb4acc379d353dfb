import { type JSX, useState } from 'react'
import type { Choice } from '../filter/filter'
import { Icon } from '../frame/icons'
import { Combobox } from '../parts/combobox'
import { useZone } from '../parts/settings'
import { useGiveBack } from '../parts/use-give-back'
import { texts } from '../texts'
import { now } from '../time/clock'
import { timeOptions, timeText, withTime } from './times'

/** The window of the list: chosen, or typed as one says it. */
export function TimeFilter({
  choice,
  change,
  any: offersAny = true,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  /** Whether there may be none. */
  any?: boolean
}): JSX.Element {
  const zone = useZone()
  const [open, setOpen] = useState(false)
  const { button, giveBack } = useGiveBack(open)
  const done = (byKey: boolean): void => {
    giveBack(byKey)
    setOpen(false)
  }
  if (!open) {
    const text = timeText(choice, zone) ?? texts.filter.anyTime
    return (
      <button ref={button} type="button" className="time-filter" aria-label={texts.filter.timeIs(text)} onClick={() => setOpen(true)}>
        <Icon name="time" /> <span className="word">{text}</span>
      </button>
    )
  }
  return (
    <Combobox
      label={texts.filter.fields.range}
      hint={texts.filter.timeHint}
      load={async (typed) => {
        const any = { value: '', text: texts.filter.anyTime, chosen: timeText(choice, zone) === null }
        return [...(offersAny && typed.trim() === '' ? [any] : []), ...timeOptions(choice, typed, now(), zone)]
      }}
      onChoose={(value) => {
        change(value === '' ? { range: null, from: null, to: null } : withTime(choice, value))
        done(true)
      }}
      onCancel={done}
    />
  )
}
