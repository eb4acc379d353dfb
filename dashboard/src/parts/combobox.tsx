import { type JSX, type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { asApiError, mayPass } from '../api/api'
import { texts } from '../texts'

export interface Option {
  value: string
  text: string
  note?: string
  /** Whether it is chosen already. */
  chosen?: boolean
}

const DEBOUNCE_MS = 120
/** What could not be loaded is asked for again by itself, so often; the server shares an answer, also a bad one, for 2 s. */
const AGAIN_MS = 2_500
const MAX_AGAIN = 3

/** An editable combobox with a list that is loaded as one types (ARIA combobox pattern: the focus stays in the field). */
export function Combobox({
  label,
  hint,
  start = '',
  all,
  load,
  onChoose,
  onCancel,
}: {
  label: string
  hint?: string | undefined
  /** What is typed already. */
  start?: string
  /** What there is here, of which those show that contain what is typed, or what it makes of that; and a way to load more. */
  all?: readonly Option[] | ((typed: string) => readonly Option[])
  load?: (typed: string, signal: AbortSignal) => Promise<Option[]>
  /** `other`: chosen with Alt, or after "not". */
  onChoose: (value: string, other: boolean) => void
  /** `byKey`: by Escape, so that the focus is still here; else it has gone on to something else. */
  onCancel: (byKey: boolean) => void
}): JSX.Element {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const latest = useRef(load)
  latest.current = load
  const [typed, setTyped] = useState(start)
  const [loaded, setLoaded] = useState<{ typed: string; options: Option[] } | null>(null)
  const [failed, setFailed] = useState<string | null>(null)
  const [round, setRound] = useState(0)
  const [active, setActive] = useState(0)
  // Somebody types faster than the list loads: Enter then means the first of what is yet to come.
  const [entered, setEntered] = useState<{ other: boolean } | null>(null)

  // Before the next key: what is typed ahead belongs into the field.
  useLayoutEffect(() => {
    field.current?.focus()
    list.current?.showPopover()
  }, [])
  useEffect(() => {
    setActive(0)
    const load = latest.current
    if (!load) return
    const asking = new AbortController()
    let timer = setTimeout(
      () =>
        load(withoutNot(typed), asking.signal).then(
          (options) => {
            setLoaded({ typed, options })
            setFailed(null)
          },
          (reason: unknown) => {
            if (asking.signal.aborted) return
            const error = asApiError(reason)
            setFailed(error.message)
            if (mayPass(error) && round < MAX_AGAIN) timer = setTimeout(() => setRound(round + 1), AGAIN_MS)
          },
        ),
      typed && !round ? DEBOUNCE_MS : 0,
    )
    return () => {
      clearTimeout(timer)
      asking.abort()
    }
  }, [typed, round])
  const isLoading = load !== undefined && loaded?.typed !== typed
  const here = typeof all === 'function' ? all(typed) : all?.filter(({ text }) => contains(text, withoutNot(typed)))
  // What was loaded for fewer letters stays until what is asked for is here, unless it would be mixed with what is here.
  const more = here && isLoading ? [] : loaded?.options
  const options = here ? [...here, ...(more ?? [])] : more
  const isReady = here !== undefined || !isLoading
  const count = options?.length ?? 0
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' })
  }, [active, id])
  useEffect(() => {
    if (!entered || loaded?.typed !== typed) return
    setEntered(null)
    const first = loaded.options[0]
    if (first) onChoose(first.value, entered.other)
  }, [entered, loaded, typed, onChoose])

  const press = (event: KeyboardEvent): void => {
    const size = Math.max(1, count)
    if (event.key === 'Escape') {
      event.stopPropagation()
      onCancel(true)
    } else if (event.key === 'ArrowDown') setActive((active + 1) % size)
    else if (event.key === 'ArrowUp') setActive((active + size - 1) % size)
    else if (event.key === 'Enter') {
      const other = event.altKey || typed !== withoutNot(typed)
      const option = options?.[active]
      if (failed !== null) setRound(round + 1)
      else if (!isReady || (!options?.length && isLoading)) setEntered({ other })
      else if (option) onChoose(option.value, other)
    } else return
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
        onChange={(event) => {
          setTyped(event.target.value)
          setFailed(null)
          setRound(0)
        }}
        onKeyDown={press}
        onBlur={() => onCancel(false)}
      />
      <div ref={list} popover="manual" className="menu options">
        <ul id={`${id}-list`} role="listbox" aria-label={label}>
          {options?.map((option, index) => (
            // The field keeps the focus and has the keys: an option is for the pointer only.
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
            <li
              key={option.value}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === active}
              onPointerDown={(event) => event.preventDefault()}
              onClick={(event) => onChoose(option.value, event.altKey || typed !== withoutNot(typed))}
            >
              {option.chosen && <span aria-label={texts.filter.chosen}>✓</span>}
              <span className="cut">{option.text}</span>
              {option.note && <span className="dim numbers">{option.note}</span>}
            </li>
          ))}
          {count === 0 && (
            <li className="none dim" role="option" aria-disabled="true" aria-selected="false">
              {failed !== null ? texts.filter.failed(failed) : options && !(here && isLoading) ? texts.filter.none : texts.loading}
            </li>
          )}
        </ul>
        {hint && <p className="dim hint">{hint}</p>}
      </div>
    </span>
  )
}

export function contains(text: string, typed: string): boolean {
  return text.toLowerCase().includes(typed.trim().toLowerCase())
}

/** What is looked for: "not" before it excludes. */
function withoutNot(typed: string): string {
  return typed.replace(/^\s*not\s+/i, '')
}
