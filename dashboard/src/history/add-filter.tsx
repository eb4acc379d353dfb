import type { JSX } from 'react'
import type { Choice } from '../filter/filter'
import { FieldFilter } from '../frame/field-filter'
import { texts } from '../texts'
import { canExclude, type Field, FIELDS, optionsOf, withField } from './fields'

/** Adds a filter to a choice, or lets one go; only values are offered that would match something. */
export function AddFilter({
  choice,
  change,
  fields = FIELDS,
  exclude = true,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  fields?: readonly Field[]
  /** Whether a value may be left out, where its field can. */
  exclude?: boolean
}): JSX.Element {
  return (
    <FieldFilter
      fields={fields.map((name) => ({
        name,
        text: texts.filter.fields[name],
        excludes: exclude && canExclude(name),
        hint: hintOf(name),
        values: { load: (typed, signal) => optionsOf(choice, name, typed, signal) },
      }))}
      onChoose={(name, value, other) => {
        const part = withField(choice, name, value, other)
        if (part) change(part)
      }}
    />
  )
}

function hintOf(field: Field): string | undefined {
  if (field === 'range') return texts.filter.timeHint
  return field === 'min' || field === 'max' ? texts.filter.durationHint : undefined
}
