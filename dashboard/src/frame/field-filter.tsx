import { type JSX, useState } from 'react'
import { Combobox, type Option } from '../parts/combobox'
import { useKeys } from '../parts/keys'
import { useGiveBack } from '../parts/use-give-back'
import { texts } from '../texts'
import { Icon } from './icons'

export interface FilterField<Name extends string> {
  name: Name
  text: string
  /** Whether a value of it can be left out, too. */
  excludes?: boolean
  hint?: string | undefined
  /** Its values: those that are here, or a way to load them. */
  values: { all: (typed: string) => readonly Option[] } | { load: (typed: string, signal: AbortSignal) => Promise<Option[]> }
}

/** A filter in two steps: which field, then which value, both by typing; "not", or Alt with Enter, excludes. */
export function FieldFilter<Name extends string>({
  fields,
  onChoose,
}: {
  fields: readonly FilterField<Name>[]
  onChoose: (name: Name, value: string, exclude: boolean) => void
}): JSX.Element {
  const [step, setStep] = useState<{ name: Name | null; exclude: boolean } | null>(null)
  const { button, giveBack } = useGiveBack(step !== null)
  const start = (): void => setStep({ name: null, exclude: false })
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
  const excludes = (name: string): boolean => fields.find((each) => each.name === name)?.excludes ?? false
  const field = fields.find(({ name }) => name === step.name)
  if (field === undefined) {
    return (
      <Combobox
        label={texts.filter.by}
        all={fields.map(({ name, text }) => ({ value: name, text }))}
        onChoose={(value, other) => setStep({ name: value as Name, exclude: other && excludes(value) })}
        onCancel={done}
      />
    )
  }
  const { name, text, hint, values } = field
  return (
    <Combobox
      key={name}
      label={step.exclude ? texts.filter.not(text) : text}
      hint={excludes(name) && !step.exclude ? texts.filter.excludeHint : hint}
      {...values}
      onChoose={(value, other) => {
        onChoose(name, value, excludes(name) && (step.exclude || other))
        done(true)
      }}
      onCancel={done}
    />
  )
}
