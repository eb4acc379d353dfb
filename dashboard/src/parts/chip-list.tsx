import type { JSX } from 'react'
import { texts } from '../texts'

export interface ChipOf<T> {
  key: string
  text: string
  /** What is chosen without it. */
  without: T
}

/** What narrows a page, each with a press that takes it away, and one for all of them; the focus goes on to what stays. */
export function ChipList<T>({ chips, clear, change }: { chips: readonly ChipOf<T>[]; clear: T; change: (to: T) => void }): JSX.Element | null {
  if (!chips.length) return null
  const remove = (chip: Element, without: T): void => {
    const next = chips.length > 1 ? chip.closest('li')!.nextElementSibling!.querySelector('button') : filterButton()
    next?.focus()
    change(without)
  }
  return (
    <ul className="chips" aria-label={texts.filter.active}>
      {chips.map(({ key, text, without }) => (
        <li key={key}>
          <button type="button" className="chip" onClick={(event) => remove(event.currentTarget, without)} aria-label={texts.filter.remove(text)}>
            <span className="cut">{text}</span> <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
      <li>
        <button
          type="button"
          className="link"
          onClick={() => {
            filterButton()?.focus()
            change(clear)
          }}
        >
          {texts.filter.clear}
        </button>
      </li>
    </ul>
  )
}

/** The button that adds a filter, wherever it is. */
function filterButton(): HTMLElement | null {
  return document.getElementById('add-filter')
}
