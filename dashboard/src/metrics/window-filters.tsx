import type { JSX } from 'react'
import type { Choice } from '../filter/filter'
import { AddFilter } from '../history/add-filter'
import { Chips, chipsOf } from '../history/chips'
import { FilterSheet } from '../history/filter-sheet'
import { useIsPhone } from '../parts/row-height'
import { useZone } from '../parts/settings'
import { timed } from './figures'

export const NARROW = ['workflow', 'engine', 'trigger'] as const
export const NO_FILTER = { workflow: [], engine: [], trigger: [] } satisfies Partial<Choice>

/** What narrows the runs of a window beside its time; on a phone in a sheet, whose button says what it `shows`. */
export function WindowFilters({
  choice, change, shows,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  shows: string
}): JSX.Element {
  const phone = useIsPhone()
  const zone = useZone()
  const narrowed = { ...choice, range: null, from: null, to: null }
  const add = <AddFilter choice={timed(choice)} change={change} fields={NARROW} exclude={false} />
  const chips = <Chips choice={narrowed} change={change} clear={NO_FILTER} />
  return phone ? (
    <FilterSheet chosen={chipsOf(narrowed, zone).length} shows={shows}>
      {chips}
      {add}
    </FilterSheet>
  ) : (
    <>
      {add}
      {chips}
    </>
  )
}
