import { useEffect, useSyncExternalStore } from 'react'
import { session } from '../api/session'

/** After a sign-in, and once the server is back, ask again for what failed; after other errors somebody presses Try again. */
export function useAgain(failed: boolean, again: () => void): void {
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const away = useSyncExternalStore(session.subscribe, session.isAway)
  useEffect(() => {
    if (!signedOut && !away && failed) again()
    // oxlint-disable-next-line react/exhaustive-deps
  }, [signedOut, away])
}
