import { useSyncExternalStore } from 'react'
import { useSettings } from './settings'

/** The heights of rows, which the virtualiser has to know, and gives to history.css as --row; px. */
const COMFORTABLE = 37
const COMPACT = 28
const TWO_LINES = 58

const phone = matchMedia('(max-width: 48rem)')

export function useIsPhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      phone.addEventListener('change', listener)
      return () => phone.removeEventListener('change', listener)
    },
    () => phone.matches,
  )
}

/** How rows are laid out. `narrow`: there is no room for columns, so its rows have two lines. */
export function useRowLayout(narrow: boolean): { height: number; twoLines: boolean } {
  const { density } = useSettings()
  const twoLines = useIsPhone() || narrow
  return { height: twoLines ? TWO_LINES : density === 'compact' ? COMPACT : COMFORTABLE, twoLines }
}
