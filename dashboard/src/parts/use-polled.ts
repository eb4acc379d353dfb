import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type ApiError, asApiError } from '../api/api'
import { session } from '../api/session'
import { now } from '../time/clock'
import { useAgain } from './use-again'

/** What nobody announces is asked for again after as long, while somebody looks. */
const AGAIN_MS = 15_000

export interface Polled<T> {
  data: T | null
  /** Why there is none, or nothing newer. */
  error: ApiError | null
  /** When it was asked for, as an RFC 3339 time. */
  asOf: string | null
  /** Whether what is shown is the answer to another question than the one that is asked. */
  stale: boolean
  again(): void
}

/** The answer to a question, whose key tells it from others; the one before it stays until the next is there. */
export function usePolled<T>(key: string, load: (signal: AbortSignal, at: number) => Promise<T>, every: number | null = AGAIN_MS): Polled<T> {
  const [kept, setKept] = useState<{ data: T | null; error: ApiError | null; asOf: string | null; key: string }>({
    data: null, error: null, asOf: null, key: '',
  })
  const [round, setRound] = useState(0)
  const again = useCallback(() => setRound((count) => count + 1), [])
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    const asking = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const later = (): void => {
      if (every !== null) timer = setTimeout(() => (document.hidden ? later() : again()), every)
    }
    const at = now()
    latest.current(asking.signal, at).then(
      (data) => {
        if (asking.signal.aborted) return
        setKept({ data, error: null, asOf: new Date(at).toISOString(), key })
        later()
      },
      (reason: unknown) => {
        if (asking.signal.aborted) return
        setKept((before) => ({ ...before, error: asApiError(reason) }))
        later()
      },
    )
    return () => {
      asking.abort()
      clearTimeout(timer)
    }
  }, [key, round, signedOut, every, again])
  useAgain(kept.error?.code === 'OFFLINE', again)
  return { data: kept.data, error: kept.error, asOf: kept.asOf, stale: kept.key !== key, again }
}
