import type { JSX } from 'react'
import { auditTexts } from '../audit-texts'
import { FieldFilter } from '../frame/field-filter'
import { FilterSheet } from '../history/filter-sheet'
import { byName } from '../parts/by-name'
import { ChipList, type ChipOf } from '../parts/chip-list'
import { contains, type Option } from '../parts/combobox'
import { useIsPhone } from '../parts/row-height'
import { texts } from '../texts'
import type { Shown } from './search'

const LISTS = ['actor', 'action'] as const
type List = (typeof LISTS)[number]

/** By whom, and what: as many of each as one likes. On a phone in a sheet. */
export function Filters({
  shown, actors, show,
}: {
  shown: Shown
  /** Those that were seen; any other can be typed. */
  actors: ReadonlySet<string>
  show: (part: Partial<Shown>) => void
}): JSX.Element {
  const phone = useIsPhone()
  const named: Record<List, { of: string[]; text: (value: string) => string }> = {
    actor: { of: [...actors].toSorted(byName), text: (value) => value },
    action: { of: Object.keys(auditTexts.actions), text: auditTexts.deed },
  }
  const add = (
    <FieldFilter
      fields={LISTS.map((name) => ({
        name,
        text: auditTexts[name],
        values: { all: (typed) => optionsOf({ ...named[name], chosen: shown[name] }, typed, name === 'actor') },
      }))}
      onChoose={(name, value) => show({ [name]: turned(shown[name], value) })}
    />
  )
  const chips: ChipOf<Partial<Shown>>[] = LISTS.flatMap((name) =>
    shown[name].map((value) => ({
      key: `${name} ${value}`,
      text: auditTexts.only[name](named[name].text(value)),
      without: { [name]: turned(shown[name], value) },
    })),
  )
  if (shown.subject !== null) chips.push({ key: 'subject', text: auditTexts.only.subject(shown.subject), without: { subject: null } })
  const list = <ChipList chips={chips} clear={{ actor: [], action: [], subject: null }} change={show} />
  return phone ? (
    <FilterSheet chosen={chips.length} shows={texts.filter.shows(null)}>
      {list}
      {add}
    </FilterSheet>
  ) : (
    <>
      {add}
      {list}
    </>
  )
}

/** With a value, or without it where it was chosen. */
function turned(chosen: readonly string[], value: string): string[] {
  return chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]
}

/** Values that contain what is typed; `any`: and what is typed itself. */
function optionsOf(
  { of, text, chosen }: { of: readonly string[]; text: (value: string) => string; chosen: readonly string[] },
  typed: string,
  any: boolean,
): Option[] {
  const all = new Set([...chosen, ...of])
  const options = [...all].map((value) => ({ value, text: text(value), chosen: chosen.includes(value) })).filter((each) => contains(each.text, typed))
  const other = typed.trim()
  return any && other !== '' && !all.has(other) ? [...options, { value: other, text: other }] : options
}
