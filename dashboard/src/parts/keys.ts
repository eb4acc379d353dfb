import { useEffect, useRef } from 'react'
import { currentSettings } from './settings'

/** What a key does; false: nothing after all, and the key goes on. */
export type KeyAction = () => boolean | void
export type KeyMap = Record<string, KeyAction>

/**
 * Single keys of a screen, by `event.key`, with `Shift+` where a letter needs it, and `g h` for two in a row. They are
 * silent while a field has the focus, while a modal dialog is open, and when they are switched off.
 */
export function useKeys(keys: KeyMap): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    let prefix = ''
    let timer: ReturnType<typeof setTimeout> | undefined
    const press = (event: globalThis.KeyboardEvent): void => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
      if (event.key !== 'Escape' && !currentSettings().singleKeys) return
      const target = event.target as HTMLElement
      if (event.key !== 'Escape' && target.matches('input, textarea, select, [contenteditable]')) return
      if (document.querySelector('dialog.modal[open], [popover].menu:popover-open')) return
      const action = latest.current[`${prefix}${event.key}`]
      clearTimeout(timer)
      prefix = ''
      if (action) {
        if (action() !== false) event.preventDefault()
      } else if (event.key === 'g') {
        prefix = 'g '
        timer = setTimeout(() => (prefix = ''), 1_000)
      }
    }
    document.addEventListener('keydown', press)
    return () => {
      document.removeEventListener('keydown', press)
      clearTimeout(timer)
    }
  }, [])
}
