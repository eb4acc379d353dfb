import type { JSX, Ref } from 'react'
import { ask } from '../api/api'
import { MIN_SEARCH } from '../filter/api-filter'
import { Icon } from '../frame/icons'
import { useTyped } from '../parts/use-typed'
import { texts } from '../texts'
import { ByExternalId } from './documents'

/** The id of a run, by itself or at the end of its address. */
const ID = /(?:^|\/)(execution_[0-9a-f]{32})$/

/** The run that is meant by a whole id, of ours or of its engine; null if that is no id, or one of several runs. */
export async function runOf(text: string): Promise<string | null> {
  const id = ID.exec(text)?.[1]
  if (id) return id
  try {
    const { executions } = await ask(ByExternalId, { externalId: text })
    return executions?.nodes.length === 1 ? executions.nodes[0]!.id : null
  } catch {
    return null // the list says what is wrong
  }
}

export function SearchField({
  value,
  onChange,
  onOpen,
  ref,
}: {
  value: string
  onChange: (value: string) => void
  /** A whole id was entered: that run opens, and nothing is searched for. */
  onOpen: (run: string) => void
  ref: Ref<HTMLInputElement>
}): JSX.Element {
  const { typed, type, settle } = useTyped(value, onChange)
  const enter = async (): Promise<void> => {
    const text = typed.trim()
    if (text.length < MIN_SEARCH) return
    const run = await runOf(text)
    if (run === null) return
    settle('')
    onOpen(run)
  }
  const short = typed.trim().length > 0 && typed.trim().length < MIN_SEARCH
  return (
    <div className="search">
      <Icon name="search" />
      <input
        ref={ref}
        type="search"
        value={typed}
        aria-label={texts.filter.search}
        placeholder={texts.filter.search}
        aria-describedby="search-hint"
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            if (typed) {
              event.stopPropagation()
              type('')
            } else event.currentTarget.blur()
          } else if (event.key === 'Enter') {
            event.preventDefault() // else the run's first button, which gets the focus, is pressed too
            void enter()
          }
        }}
      />
      <kbd aria-hidden="true">/</kbd>
      <span id="search-hint" className={short ? 'hint' : 'visually-hidden'}>
        {short ? texts.filter.short : texts.filter.searchHint}
      </span>
    </div>
  )
}
