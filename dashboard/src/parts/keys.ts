import { useLayoutEffect, useRef } from 'react'
import { texts } from '../texts'
import { currentSettings } from './settings'

/** Every key has its text: the list of keys shows those that work, and no other. */
export type Key = keyof typeof texts.keys
/** What a key does; false: nothing after all, and the key goes on. */
export type KeyAction = () => boolean | void
export type KeyMap = Partial<Record<Key, KeyAction>>

const active = new Set<{ current: KeyMap }>()

/** The keys that work at the moment, in the order of their texts. */
export function activeKeys(): Key[] {
  const all = Object.keys(texts.keys) as Key[]
  return all.filter((key) => [...active].some(({ current }) => current[key]))
}

const SHOWN: Record<string, string> = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc', Shift: '⇧', Enter: '⏎' }

/** The caps of a key: a capital needs Shift. */
export function capsOf(key: Key): string[] {
  const caps = key.split(' ').map((each) => SHOWN[each] ?? each)
  return /^[A-Z]$/.test(key) ? ['⇧', key] : caps
}

/** Do what a key does at the moment; what came last goes first, as with the key itself where one stands over another. */
export function pressKey(key: Key): void {
  for (const { current } of [...active].toReversed()) {
    const action = current[key]
    if (action && action() !== false) return
  }
}

/**
 * Keys of a screen, by `event.key`, with `Ctrl ` (also for ⌘), `Shift ` before one that has no capital, and `g h` for two in a row.
 * They are silent while a field has the focus (but for Escape and the palette's) and while a modal dialog is open; those
 * without Ctrl when they are switched off.
 */
export function useKeys(keys: KeyMap): void {
  const latest = useRef(keys)
  latest.current = keys
  // Not after the paint: what can be seen takes keys, however busy the computer is.
  useLayoutEffect(() => {
    let prefix = ''
    let timer: ReturnType<typeof setTimeout> | undefined
    const press = (event: globalThis.KeyboardEvent): void => {
      if (event.defaultPrevented || event.altKey) return
      const ctrl = event.ctrlKey || event.metaKey ? 'Ctrl ' : ''
      if (event.key !== 'Escape' && !ctrl && !currentSettings().singleKeys) return
      const target = event.target as HTMLElement
      const everywhere = event.key === 'Escape' || (ctrl && event.key === 'k')
      if (!everywhere && target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]')) return
      if (document.querySelector('dialog.modal[open], [popover].menu:popover-open')) return
      const shift = event.shiftKey && event.key.length > 1 ? 'Shift ' : ''
      const action = latest.current[`${prefix}${ctrl}${shift}${event.key}` as Key]
      clearTimeout(timer)
      prefix = ''
      if (action) {
        if (action() !== false) event.preventDefault()
      } else if (event.key === 'g' && !ctrl) {
        prefix = 'g '
        timer = setTimeout(() => (prefix = ''), 1_000)
      }
    }
    active.add(latest)
    document.addEventListener('keydown', press)
    return () => {
      active.delete(latest)
      document.removeEventListener('keydown', press)
      clearTimeout(timer)
    }
  }, [])
}
