import { type JSX, useEffect, useRef, useState } from 'react'
import { useKeys } from '../parts/keys'
import { Icon } from './icons'

const DEBOUNCE_MS = 250

/** A field that searches a list by name, a moment after the last key; `/` leads to it. */
export function NameSearch({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }): JSX.Element {
  const [typed, setTyped] = useState(value)
  const written = useRef(value)
  const field = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => field.current?.focus() })
  useEffect(() => {
    if (value !== written.current) setTyped(value) // by Back, or by a link
    written.current = value
  }, [value])
  useEffect(() => {
    if (typed === written.current) return
    const timer = setTimeout(() => {
      written.current = typed
      onChange(typed)
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [typed, onChange])
  return (
    <div className="search">
      <Icon name="search" />
      <input ref={field} type="search" value={typed} aria-label={label} placeholder={label} onChange={(event) => setTyped(event.target.value)} />
    </div>
  )
}
