import { useRef } from 'react'

/** The value of before, for as long as somebody works with what shows it. */
export function useHeld<T>(value: T, held: boolean): T {
  const kept = useRef(value)
  if (!held) kept.current = value
  return kept.current
}
