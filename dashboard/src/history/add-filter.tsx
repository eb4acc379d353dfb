import { type JSX, useState } from 'react'
import type { Choice } from '../filter/filter'
import { Icon } from '../frame/icons'
import { Combobox } from '../parts/combobox'
import { useKeys } from '../parts/keys'
import { useGiveBack } from '../parts/use-give-back'
import { texts } from '../texts'
import { canExclude, type Field, FIELDS, optionsOf, withField } from './fields'

/** A filter in two steps: which field, then which value, both by typing; "not", or Alt with Enter, excludes. */
export function AddFilter({
  choice,
  change,
  fields = FIELDS,
  exclude: mayExclude = true,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  fields?: readonly Field[]
  /** Whether a value may be left out, where its field can. */
  exclude?: boolean
}): JSX.Element {
  const [step, setStep] = useState<{ field: Field | null; exclude: boolean } | null>(null)
  const { button, giveBack } = useGiveBack(step !== null)
  const start = (): void => setStep({ field: null, exclude: false })
  useKeys({ f: start })
  const done = (byKey: boolean): void => {
    giveBack(byKey)
    setStep(null)
  }
  if (step === null) {
    return (
      <button ref={button} type="button" id="add-filter" onClick={start}>
        <Icon name="filter" /> {texts.filter.add}
      </button>
    )
  }
  const { field, exclude } = step
  if (field === null) {
    return (
      <Combobox
        label={texts.filter.by}
        all={fields.map((each) => ({ value: each, text: texts.filter.fields[each] }))}
        onChoose={(value, other) => setStep({ field: value as Field, exclude: other && mayExclude && canExclude(value as Field) })}
        onCancel={done}
      />
    )
  }
  const can = mayExclude && canExclude(field)
  return (
    <Combobox
      key={field}
      label={exclude ? texts.filter.not(texts.filter.fields[field]) : texts.filter.fields[field]}
      hint={can && !exclude ? texts.filter.excludeHint : hintOf(field)}
      load={(typed, signal) => optionsOf(choice, field, typed, signal)}
      onChoose={(value, other) => {
        const part = withField(choice, field, value, can && (exclude || other))
        if (part) change(part)
        done(true)
      }}
      onCancel={done}
    />
  )
}

function hintOf(field: Field): string | undefined {
  if (field === 'range') return texts.filter.timeHint
  return field === 'min' || field === 'max' ? texts.filter.durationHint : undefined
}
