import { type JSX, useCallback, useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { ask, given } from '../api/api'
import { WorkflowNames } from '../filter/documents'
import { NOTHING, writeChoice } from '../filter/filter'
import { accountPagesOf, pagesOf } from '../frame/pages'
import { useViewer, type Viewer } from '../frame/viewer'
import { runOf } from '../history/search-field'
import { Combobox, type Option } from '../parts/combobox'
import { activeKeys, capsOf, type Key, pressKey } from '../parts/keys'
import { BASE, hrefs } from '../routes'
import { texts } from '../texts'
import { hrefOf, KEYS } from '../views/address'
import type { SavedView } from '../views/documents'
import { useViews } from '../views/store'
import { ranked } from './rank'
import { noteUse, readUses } from './uses'

/** What only makes sense under one's fingers, or is in the palette as a page or a view. */
const LEFT_OUT = /^(j|k|x|\d|Enter|Escape|Shift .*|Ctrl .|g .)$/
const MAX_WORKFLOWS = 8
const MIN_TYPED = 2

/** What can be done here, with the keys that would have done it. */
function actions(): Option[] {
  return activeKeys()
    .filter((key) => !LEFT_OUT.test(key))
    .map((key) => ({ value: `do:${key}`, text: texts.keys[key], note: capsOf(key).join(' ') }))
}

function pages(viewer: Viewer | null): Option[] {
  return [...pagesOf(viewer), ...accountPagesOf(viewer)].map(({ name, href, key }) => ({
    value: `go:${href}`,
    text: texts.palette.goTo(texts.frame[name]),
    ...(key && { note: capsOf(key).join(' ') }),
  }))
}

function saved(views: readonly SavedView[]): Option[] {
  return views.map((view, index) => {
    const key = KEYS[index]
    return { value: `go:${hrefOf(view)}`, text: texts.palette.view(view.name), ...(key && { note: key }) }
  })
}

/** The run whose whole id was typed, and workflows by name: each one's page, and its runs. */
async function found(typed: string, signal: AbortSignal): Promise<Option[]> {
  const text = typed.trim()
  if (text.length < MIN_TYPED) return []
  const [run, { workflows }] = await Promise.all([runOf(text), ask(WorkflowNames, { search: text }, { signal })])
  const found = given(workflows).nodes.slice(0, MAX_WORKFLOWS)
  const runs = run === null ? [] : [{ value: `go:${hrefs.execution(run)}`, text: texts.palette.run(text) }]
  const pages = found.map(({ id, name, engine }) => ({
    value: `go:${hrefs.workflows(id)}`, text: texts.palette.workflow(name), note: engine.name,
  }))
  const lists = [...new Set(found.map(({ name }) => name))].map((name) => ({
    value: `go:${hrefs.history(writeChoice({ ...NOTHING, workflow: [name] }))}`, text: texts.palette.runsOf(name),
  }))
  return [...runs, ...pages, ...lists]
}

/** Everything that can be done and gone to from here, by typing, in a dialog. `typed`: before it was loaded. */
export function Palette({ typed, onClose }: { typed: string; onClose: () => void }): JSX.Element {
  const [, go] = useLocation()
  const viewer = useViewer()
  const views = useViews()
  const [here] = useState(actions)
  const entries = useMemo(() => [...here, ...pages(viewer), ...saved(views)], [here, viewer, views])
  const [uses] = useState(readUses)
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
  return <Combobox label={texts.palette.label} start={typed} all={all} load={found} onChoose={choose} onCancel={onClose} />
}
