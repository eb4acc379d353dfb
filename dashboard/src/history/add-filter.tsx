import { type FormEvent, type JSX, useEffect, useState } from 'react'
import { ask, given } from '../api/api'
import { type Choice, parseDuration, RANGES, type Range, STATES } from '../filter/filter'
import { Combobox, type Option } from '../parts/combobox'
import { texts } from '../texts'
import { Engines, TriggerKinds, WorkflowNames } from './documents'

type Field = 'workflow' | 'notWorkflow' | 'engine' | 'trigger' | 'state' | 'step' | 'range' | 'min' | 'max'
const FIELDS: Field[] = ['workflow', 'notWorkflow', 'state', 'engine', 'trigger', 'step', 'range', 'min', 'max']

/** A filter in two steps: which field, then which value, both by typing. */
export function AddFilter({
  choice,
  change,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
}): JSX.Element {
  const [field, setField] = useState<Field | null>(null)
  const [open, setOpen] = useState(false)
  const done = (): void => {
    setOpen(false)
    setField(null)
  }
  const choose = (value: string): void => {
    if (field === null) return
    change(withValue(choice, field, value))
    done()
  }
  if (!open) {
    return (
      <button type="button" id="add-filter" onClick={() => setOpen(true)}>
        + {texts.filter.add}
      </button>
    )
  }
  if (field === null) {
    return (
      <Combobox
        label={texts.filter.add}
        load={async (typed) =>
          FIELDS.map((each) => ({ value: each, text: texts.filter.fields[each] })).filter(({ text }) =>
            text.toLowerCase().includes(typed.toLowerCase()),
          )
        }
        onChoose={(value) => setField(value as Field)}
        onCancel={done}
      />
    )
  }
  if (field === 'min' || field === 'max' || field === 'step') {
    return <ValueForm field={field} onChoose={choose} onCancel={done} />
  }
  return (
    <Combobox
      key={field}
      label={texts.filter.fields[field]}
      load={(typed, signal) => optionsOf(field, typed, signal)}
      onChoose={choose}
      onCancel={done}
    />
  )
}

/** The choice with one more value; what was chosen stays. */
export function withValue(choice: Choice, field: Field, value: string): Partial<Choice> {
  if (field === 'range') return { range: value as Range, from: null, to: null }
  if (field === 'min' || field === 'max') return { [field]: parseDuration(value) }
  const list = choice[field] as string[]
  return list.includes(value) ? {} : { [field]: [...list, value] }
}

async function optionsOf(field: Field, typed: string, signal: AbortSignal): Promise<Option[]> {
  const contains = (text: string): boolean => text.toLowerCase().includes(typed.toLowerCase())
  switch (field) {
    case 'workflow':
    case 'notWorkflow': {
      const { workflows } = await ask(WorkflowNames, { search: typed || null }, { signal })
      const names = new Map(given(workflows).nodes.map((each) => [each.name, each.engine.name]))
      return [...names].map(([name, engine]) => ({ value: name, text: name, note: engine }))
    }
    case 'engine': {
      const { engines } = await ask(Engines, {}, { signal })
      return given(engines).filter(({ name }) => contains(name)).map(({ name }) => ({ value: name, text: name }))
    }
    case 'trigger': {
      const { triggerKinds } = await ask(TriggerKinds, {}, { signal })
      return given(triggerKinds).filter(contains).map((kind) => ({ value: kind, text: kind }))
    }
    case 'state':
      return STATES.map((state) => ({ value: state, text: texts.state[state] })).filter(({ text }) => contains(text))
    case 'range':
      return (Object.keys(RANGES) as Range[])
        .map((range) => ({ value: range, text: texts.filter.ranges[range] }))
        .filter(({ text, value }) => contains(text) || value.startsWith(typed))
    default:
      return []
  }
}

function ValueForm({
  field,
  onChoose,
  onCancel,
}: {
  field: 'min' | 'max' | 'step'
  onChoose: (value: string) => void
  onCancel: () => void
}): JSX.Element {
  const [wrong, setWrong] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const value = String(new FormData(event.currentTarget).get('value') ?? '').trim()
    if (value === '' || (field !== 'step' && parseDuration(value) === null)) setWrong(true)
    else onChoose(value)
  }
  useEffect(() => document.getElementById('filter-value')?.focus(), [])
  return (
    // Escape gives up from wherever in it the focus is.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form className="value-form" onSubmit={submit} onKeyDown={(event) => event.key === 'Escape' && onCancel()}>
      <label htmlFor="filter-value">{texts.filter.fields[field]}</label>
      <input
        id="filter-value"
        name="value"
        autoComplete="off"
        aria-invalid={wrong}
        aria-describedby="filter-value-hint"
        placeholder={field === 'step' ? '' : '2s'}
      />
      <span id="filter-value-hint" role="alert" className={wrong ? 'hint' : 'visually-hidden'}>
        {field === 'step' ? texts.filter.stepHint : texts.filter.durationHint}
      </span>
    </form>
  )
}
