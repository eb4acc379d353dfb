import { type RefObject, useLayoutEffect, useRef } from 'react'

/**
 * For a button that becomes something else for a while: when that is left by a key, the button has the focus again
 * before the next key comes.
 */
export function useGiveBack(open: boolean): { button: RefObject<HTMLButtonElement | null>; giveBack: (byKey: boolean) => void } {
  const button = useRef<HTMLButtonElement>(null)
  const wanted = useRef(false)
  useLayoutEffect(() => {
    if (!open && wanted.current) button.current?.focus()
    wanted.current = false
  }, [open])
  return { button, giveBack: (byKey) => (wanted.current = byKey) }
}
