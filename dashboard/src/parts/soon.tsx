import { type ComponentType, type JSX, useEffect, useState } from 'react'
import { texts } from '../texts'
import { toast } from './announce'

/**
 * What is loaded when it is asked for, and lies over the page: one that cannot be loaded, because the server is away or has a
 * newer page, is said and closed, and the page stays as it is. React's lazy would never try again.
 */
export function soon<P extends { onClose: () => void }>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element | null {
  return function Soon(props: P): JSX.Element | null {
    const [loaded, setLoaded] = useState<{ Part: ComponentType<P> } | null>(null)
    useEffect(() => {
      load().then(
        (Part) => setLoaded({ Part }),
        () => {
          toast(texts.error.notLoaded)
          props.onClose()
        },
      )
      // oxlint-disable-next-line react/exhaustive-deps
    }, [])
    return loaded && <loaded.Part {...props} />
  }
}
