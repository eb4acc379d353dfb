import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { type ApiError, ask, asApiError } from '../api/api'
import type { TadaDocumentNode } from '../api/graphql'
import { session } from '../api/session'
import { useAgain } from './use-again'

/** What nobody announces is asked for again this often, while somebody looks. */
const AGAIN_MS = 15_000

export interface Asked<T> {
  data: T | null
  /** Why there is none, or nothing newer. */
  error: ApiError | null
  again(): void
}

/** An answer that is asked for again now and then. What is there stays while the next one fails. */
export function useAsked<R, V>(document: TadaDocumentNode<R, V>, variables: V): Asked<R> {
  const [state, setState] = useState<{ data: R | null; error: ApiError | null; key: string }>({ data: null, error: null, key: '' })
  const [round, setRound] = useState(0)
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const key = JSON.stringify(variables)
  const again = useCallback(() => setRound((count) => count + 1), [])
  useEffect(() => {
    const asking = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const later = (): void => {
      timer = setTimeout(() => (globalThis.document.hidden ? later() : again()), AGAIN_MS)
    }
    ask(document, JSON.parse(key) as V, { signal: asking.signal }).then(
      (data) => {
        setState({ data, error: null, key })
        later()
      },
      (reason: unknown) => {
        if (asking.signal.aborted) return
        const error = asApiError(reason)
        setState((before) => ({ data: before.key === key ? before.data : null, error, key }))
        later()
      },
    )
    return () => {
      asking.abort()
      clearTimeout(timer)
    }
  }, [document, key, round, signedOut, again])
  useAgain(state.error?.code === 'OFFLINE', again)
  return { data: state.key === key ? state.data : null, error: state.key === key ? state.error : null, again }
}
