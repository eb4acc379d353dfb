import { type JSX, useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { ask } from '../api/api'
import { renew, session } from '../api/session'
import { announce } from '../parts/announce'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { now } from '../time/clock'
import { clockTime } from '../time/time'
import { SessionEnd } from './documents'

/** So long before its end, a session asks for its renewal: work in the page goes on. */
const WARNED_MS = 10 * 60_000
/** A timer of the browser knows no longer times. */
const MAX_TIMER_MS = 24 * 3_600_000

/** Warns before the sign-in ends, and renews it in place. A session that its use moves on is not near its end. */
export function SessionEnds(): JSX.Element | null {
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const zone = useZone()
  const [endsAt, setEndsAt] = useState<string | null>(null)
  const [near, setNear] = useState(false)
  const [renewed, setRenewed] = useState(false)

  const look = useCallback(async (): Promise<void> => {
    try {
      const { viewer } = await ask(SessionEnd, {})
      setEndsAt(viewer.expiresAt)
      setNear(viewer.expiresAt !== null && Date.parse(viewer.expiresAt) - now() <= WARNED_MS)
    } catch {
      // Nobody is signed in, or nobody answers: the page says so elsewhere.
    }
  }, [])

  useEffect(() => {
    setRenewed(false)
    setNear(false)
    if (!signedOut) void look()
  }, [signedOut, look])

  useEffect(() => {
    if (signedOut || endsAt === null || near) return
    const wait = Date.parse(endsAt) - now() - WARNED_MS
    // It asks again then: a VIEWER's end has moved on, and another tab may have renewed it.
    const timer = setTimeout(() => void look(), Math.min(Math.max(wait, 0), MAX_TIMER_MS))
    return () => clearTimeout(timer)
  }, [signedOut, endsAt, near, look])

  if (signedOut || !near || endsAt === null) return null
  const time = clockTime(endsAt, zone).slice(0, 5)
  const stay = async (): Promise<void> => {
    if (!(await renew())) return
    setRenewed(true)
    await look()
    announce(texts.signIn.renewed)
  }
  return (
    <p className="notice" role="status">
      {renewed ? texts.signIn.tokenEnds(time) : texts.signIn.ends(time)}
      {!renewed && (
        <button type="button" onClick={() => void stay()}>
          {texts.signIn.renew}
        </button>
      )}
    </p>
  )
}
