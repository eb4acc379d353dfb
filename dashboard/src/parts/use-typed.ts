import { useEffect, useRef, useState } from 'react'

const DEBOUNCE_MS = 250

export interface Typed {
  typed: string
  type(text: string): void
  /** Have the field say something, without a word to anybody. */
  settle(text: string): void
}

/** What a field says, which is told a moment after the last key; a value that comes by Back, or by a link, replaces it. */
export function useTyped(value: string, onChange: (text: string) => void): Typed {
  const [typed, type] = useState(value)
  const written = useRef(value)
  useEffect(() => {
    if (value !== written.current) type(value)
    written.current = value
  }, [value])
  useEffect(() => {
    if (typed === written.current) return
    const view = location.pathname
    const timer = setTimeout(() => {
      // Somebody has followed a link since, whose view may still be loading: what was typed does not lead back.
      if (location.pathname !== view) return
      written.current = typed
      onChange(typed)
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [typed, onChange])
  return {
    typed,
    type,
    settle(text) {
      written.current = text
      type(text)
    },
  }
}
