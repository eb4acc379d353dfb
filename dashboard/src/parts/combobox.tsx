import { type JSX, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { texts } from '../texts'

export interface Option {
  value: string
  text: string
  note?: string
}

const DEBOUNCE_MS = 120

/** An editable combobox with a list that is loaded as one types (ARIA combobox pattern: the focus stays in the field). */
export function Combobox({
  label,
  load,
  onChoose,
  onCancel,
}: {
  label: string
  load: (typed: string, signal: AbortSignal) => Promise<Option[]>
  onChoose: (value: string) => void
  onCancel: () => void
}): JSX.Element {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const latest = useRef(load)
  latest.current = load
  const [typed, setTyped] = useState('')
  const [options, setOptions] = useState<Option[] | null>(null)
  const [failed, setFailed] = useState(false)
  const [active, setActive] = useState(0)

  useEffect(() => {
    field.current?.focus()
    list.current?.showPopover()
  }, [])
  useEffect(() => {
    const asking = new AbortController()
    const timer = setTimeout(
      () =>
        latest.current(typed, asking.signal).then(
          (found) => {
            setOptions(found)
            setFailed(false)
            setActive(0)
          },
          () => !asking.signal.aborted && setFailed(true),
        ),
      typed ? DEBOUNCE_MS : 0,
    )
    return () => {
      clearTimeout(timer)
      asking.abort()
    }
  }, [typed])
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' })
  }, [active, id])

  const count = options?.length ?? 0
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation()
      onCancel()
    } else if (event.key === 'ArrowDown') setActive((active + 1) % Math.max(1, count))
    else if (event.key === 'ArrowUp') setActive((active + Math.max(1, count) - 1) % Math.max(1, count))
    else if (event.key === 'Enter' && options?.[active]) onChoose(options[active].value)
    else return
    event.preventDefault()
  }
  return (
    <span className="combobox">
      <input
        ref={field}
        role="combobox"
        aria-label={label}
        placeholder={label}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={count ? `${id}-${active}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={press}
        onBlur={onCancel}
      />
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label={label} popover="manual" className="menu options">
        {options?.map((option, index) => (
          // The field keeps the focus and has the keys: an option is for the pointer only.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={option.value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onChoose(option.value)}
          >
            <span className="cut">{option.text}</span>
            {option.note && <span className="dim cut">{option.note}</span>}
          </li>
        ))}
        {count === 0 && (
          <li className="none dim" role="presentation">
            {failed ? texts.error.title : options ? texts.filter.none : texts.loading}
          </li>
        )}
      </ul>
    </span>
  )
}
