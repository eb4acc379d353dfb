import { type JSX, useRef } from 'react'
import { useKeys } from '../parts/keys'
import { useTyped } from '../parts/use-typed'
import { Icon } from './icons'

/** A field that searches a list by name, a moment after the last key; `/` leads to it. */
export function NameSearch({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }): JSX.Element {
  const { typed, type } = useTyped(value, onChange)
  const field = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => field.current?.focus() })
  return (
    <div className="search">
      <Icon name="search" />
      <input ref={field} type="search" value={typed} aria-label={label} placeholder={label} onChange={(event) => type(event.target.value)} />
    </div>
  )
}
