import type { JSX } from 'react'
import { type Choice, NOTHING, withoutValue, writeDuration } from '../filter/filter'
import { ChipList, type ChipOf } from '../parts/chip-list'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { brief } from '../time/time'
import { rangeText } from './times'
import { nameOfGroup, useGroupNames } from './groups'

export type Chip = ChipOf<Partial<Choice>>

const LISTS = ['state', 'workflow', 'notWorkflow', 'engine', 'trigger', 'notTrigger', 'step', 'group'] as const

/** What each chip says, and the choice without it. Status, unresolved and search have controls of their own. */
export function chipsOf(choice: Choice, zone: string): Chip[] {
  const { chip } = texts.filter
  const chips: Chip[] = []
  for (const list of LISTS) {
    for (const value of choice[list]) {
      const shown =
        list === 'state' ? texts.state[value as keyof typeof texts.state] : list === 'group' ? nameOfGroup(value) : value
      chips.push({ key: `${list} ${value}`, text: chip[list](shown), without: withoutValue(choice, list, value) })
    }
  }
  const add = (key: 'retryOf' | 'retry' | 'min' | 'max' | 'range' | 'from' | 'to', text: string): void => {
    chips.push({ key, text, without: { [key]: null } })
  }
  if (choice.retryOf !== null) add('retryOf', chip.retryOf(choice.retryOf))
  if (choice.retry !== null) add('retry', chip.retry)
  if (choice.min !== null) add('min', chip.min(writeDuration(choice.min)))
  if (choice.max !== null) add('max', chip.max(writeDuration(choice.max)))
  if (choice.range !== null) add('range', rangeText(choice.range))
  if (choice.from !== null) add('from', chip.from(brief(choice.from, zone)))
  if (choice.to !== null) add('to', chip.to(brief(choice.to, zone)))
  return chips
}

/** All that narrows the list, also what has a control of its own. */
export function allChipsOf(choice: Choice, zone: string): Chip[] {
  const { chip } = texts.filter
  const chips: Chip[] = choice.status.map((value) => ({
    key: `status ${value}`,
    text: chip.status(texts.status[value]),
    without: withoutValue(choice, 'status', value),
  }))
  if (choice.unresolved) chips.push({ key: 'unresolved', text: texts.filter.unresolved, without: { unresolved: false } })
  if (choice.q !== '') chips.push({ key: 'q', text: chip.q(choice.q), without: { q: '' } })
  return [...chips, ...chipsOf(choice, zone)]
}

export function Chips({
  choice,
  change,
  clear = { ...NOTHING, sort: choice.sort },
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  /** The choice without any of them. */
  clear?: Partial<Choice>
}): JSX.Element {
  const zone = useZone()
  useGroupNames(choice.group)
  return <ChipList chips={chipsOf(choice, zone)} clear={clear} change={change} />
}
