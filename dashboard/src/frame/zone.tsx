import { type JSX, useState } from 'react'
import { Combobox, contains, type Option } from '../parts/combobox'
import { Dialog } from '../parts/dialog'
import { Menu, MenuItem } from '../parts/menu'
import { BROWSER_ZONE, changeSettings, useSettings } from '../parts/settings'
import { texts } from '../texts'
import { Icon } from './icons'

const OFFERED = ['UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'America/Los_Angeles', 'Asia/Kolkata', 'Asia/Tokyo']
/** Of those that match what is typed, so many are shown. */
const MAX_FOUND = 50

/** The zone of every time on the page. */
export function Zone(): JSX.Element {
  const { zone: chosen } = useSettings()
  const [picking, setPicking] = useState(false)
  const place = named((chosen ?? BROWSER_ZONE).split('/').at(-1)!)
  const offered = chosen === null || OFFERED.includes(chosen) ? OFFERED : [chosen, ...OFFERED]
  return (
    <>
      <Menu
        className="item"
        label={texts.frame.zoneIs(place)}
        button={
          <>
            <Icon name="zone" />
            <span className="label cut">{place}</span>
          </>
        }
      >
        <p className="heading">{texts.frame.zone}</p>
        <MenuItem chosen={chosen === null} onChoose={() => changeSettings({ zone: null })}>
          {texts.frame.browserZone(BROWSER_ZONE)}
        </MenuItem>
        {offered.map((zone) => (
          <MenuItem key={zone} chosen={chosen === zone} onChoose={() => changeSettings({ zone })}>
            {zone}
          </MenuItem>
        ))}
        <MenuItem onChoose={() => setPicking(true)}>{texts.frame.otherZone}</MenuItem>
      </Menu>
      {picking && <Picker onClose={() => setPicking(false)} />}
    </>
  )
}

/** Any zone that the browser knows, by typing some of its name. */
function Picker({ onClose }: { onClose: () => void }): JSX.Element {
  const found = (typed: string): Option[] =>
    Intl.supportedValuesOf('timeZone')
      .map((zone) => ({ value: zone, text: named(zone) }))
      .filter(({ value, text }) => contains(text, typed) || contains(value, typed))
      .slice(0, MAX_FOUND)
  return (
    <Dialog title={texts.frame.zone} onClose={onClose}>
      <Combobox
        label={texts.frame.whichZone}
        load={async (typed) => found(typed)}
        onChoose={(zone) => {
          changeSettings({ zone })
          onClose()
        }}
        onCancel={(byKey) => byKey && onClose()}
      />
    </Dialog>
  )
}

function named(zone: string): string {
  return zone.replaceAll('_', ' ')
}
