import { type JSX, type KeyboardEvent, useId, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { stepped } from './step'

/**
 * A number with its name, and − and + beside it. In the field the arrows do the same as these, so that Tab leaves them out;
 * whoever presses them without seeing the field is told the number.
 */
export function Amount({
  label, value, min, max, whole = true, by = 1, onChange,
}: {
  label: string
  value: number
  min: number
  max: number
  /** Whether it can have no digits behind the point. */
  whole?: boolean
  /** How far − and + go: to the next multiple of it. */
  by?: number
  onChange: (value: number) => void
}): JSX.Element {
  const id = useId()
  const [said, setSaid] = useState('')
  // What is being typed anew has no value yet, and the form cannot be sent.
  const [empty, setEmpty] = useState(false)
  const change = (next: number): void => {
    setEmpty(Number.isNaN(next))
    if (!Number.isNaN(next)) onChange(next)
  }
  const step = (up: boolean): number => {
    const next = stepped(value, by, up, min, max)
    change(next)
    return next
  }
  const key = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    event.preventDefault()
    step(event.key === 'ArrowUp')
  }
  const button = (up: boolean): JSX.Element => (
    <button
      type="button"
      tabIndex={-1}
      aria-label={alertTexts.form.step(up, label)}
      aria-controls={id}
      aria-disabled={value === (up ? max : min)}
      onClick={() => setSaid(String(step(up)))}
    >
      {up ? '+' : '−'}
    </button>
  )
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <span className="amount">
        {button(false)}
        <input
          id={id} type="number" required min={min} max={max} step={whole ? 1 : 'any'} value={empty ? '' : value}
          onChange={(event) => change(event.target.valueAsNumber)} onKeyDown={key}
        />
        {button(true)}
        <output className="visually-hidden" htmlFor={id}>
          {said}
        </output>
      </span>
    </>
  )
}
