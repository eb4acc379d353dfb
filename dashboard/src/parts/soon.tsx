import { type ComponentType, type JSX, useEffect, useState } from 'react'
import { texts } from '../texts'
import { toast } from './announce'

/**
 * What is loaded when it is asked for, and lies over the page; null until it is there. Where it cannot be loaded, because the
 * server is away or has a newer page, that is said and `onClose` is called: the page stays as it is. React's lazy would never
 * try again.
 */
export function useSoon<T>(load: () => Promise<T>, onClose: () => void): T | null {
  const [loaded, setLoaded] = useState<{ it: T } | null>(null)
  useEffect(() => {
    let gone = false
    load().then(
      (it) => setLoaded({ it }),
      () => {
        if (gone) return
        toast(texts.error.notLoaded)
        onClose()
      },
    )
    return () => {
      gone = true
    }
    // oxlint-disable-next-line react/exhaustive-deps
  }, [])
  return loaded && loaded.it
}

/** A dialog that comes in this way. */
export function soon<P extends { onClose: () => void }>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element | null {
  return function Soon(props: P): JSX.Element | null {
    const Part = useSoon(load, props.onClose)
    return Part && <Part {...props} />
  }
}
