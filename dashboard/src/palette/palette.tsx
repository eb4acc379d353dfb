import { type JSX, useCallback, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { NOTHING, writeChoice } from '../filter/filter'
import { pagesOf } from '../frame/pages'
import { useViewer, type Viewer } from '../frame/viewer'
import { optionsOf } from '../history/fields'
import { runOf } from '../history/search-field'
import { Combobox, type Option } from '../parts/combobox'
import { Dialog } from '../parts/dialog'
import { activeKeys, capsOf, type Key, pressKey } from '../parts/keys'
import { BASE, hrefs } from '../routes'
import { texts } from '../texts'
import './palette.css'
import { ranked } from './rank'
import { noteUse, readUses } from './uses'

/** What only makes sense under one's fingers, or is in the palette as a page. */
const LEFT_OUT = /^(j|k|x|Enter|Escape|Shift .*|Ctrl .|g .)$/
const MAX_WORKFLOWS = 8
const MIN_TYPED = 2

/** What can be done here, with the keys that would have done it. */
function actions(): Option[] {
  return activeKeys()
    .filter((key) => !LEFT_OUT.test(key))
    .map((key) => ({ value: `do:${key}`, text: texts.keys[key], note: capsOf(key).join(' ') }))
}

function pages(viewer: Viewer | null): Option[] {
  return pagesOf(viewer).map(({ name, href, key }) => ({
    value: `go:${href}`,
    text: texts.palette.goTo(texts.frame[name]),
    ...(key && { note: capsOf(key).join(' ') }),
  }))
}

/** The run whose whole id was typed, and workflows by name. */
async function found(typed: string, signal: AbortSignal): Promise<Option[]> {
  const text = typed.trim()
  if (text.length < MIN_TYPED) return []
  const [run, workflows] = await Promise.all([runOf(text), optionsOf(NOTHING, 'workflow', text, signal)])
  const runs = run === null ? [] : [{ value: `go:${hrefs.execution(run)}`, text: texts.palette.run(text) }]
  const lists = workflows.slice(0, MAX_WORKFLOWS).map(({ value, note }) => ({
    value: `go:${hrefs.history(writeChoice({ ...NOTHING, workflow: [value] }))}`,
    text: texts.palette.runsOf(value),
    ...(note && { note }),
  }))
  return [...runs, ...lists]
}

/** Everything that can be done and gone to from here, by typing. */
export function Palette({ onClose }: { onClose: () => void }): JSX.Element {
  const [, go] = useLocation()
  const viewer = useViewer()
  const [entries] = useState(() => [...actions(), ...pages(viewer)])
  const [uses] = useState(readUses)
  // In a dialog that is not open yet, the field could not take the focus.
  const [isOpen, setOpen] = useState(false)
  useEffect(() => setOpen(true), [])
  const all = useCallback((typed: string) => ranked(entries, typed, uses), [entries, uses])
  const choose = (value: string): void => {
    noteUse(value)
    onClose()
    const what = value.slice(3)
    // The focus is back where it was by then: an action may be about the row that has it.
    if (value.startsWith('do:')) requestAnimationFrame(() => pressKey(what as Key))
    else if (what.startsWith(BASE)) go(what.slice(BASE.length))
    else location.assign(what)
  }
  return (
    <Dialog title={texts.palette.title} onClose={onClose} className="palette">
      {isOpen && <Combobox label={texts.palette.label} all={all} load={found} onChoose={choose} onCancel={onClose} />}
    </Dialog>
  )
}
