import { useEffect, useSyncExternalStore } from 'react'
import { ask, given } from '../api/api'
import { session } from '../api/session'
import { type SavedView, SavedViews } from './documents'

let views: readonly SavedView[] = []
const watchers = new Set<() => void>()

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

/** Ask for them anew, after a change and after a sign-in. Without an answer those that are shown stay. */
export async function loadViews(): Promise<void> {
  try {
    views = given((await ask(SavedViews, {})).savedViews)
    for (const watcher of watchers) watcher()
  } catch {
    // Nobody is signed in, or nobody answers: the page says so elsewhere.
  }
}

/** The saved views of whoever is signed in. */
export function useViews(): readonly SavedView[] {
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  useEffect(() => {
    if (!signedOut) void loadViews()
  }, [signedOut])
  return useSyncExternalStore(subscribe, () => views)
}

let managing = false

/** Open or close the dialog that saves and deletes views, wherever the button for it is. */
export function manage(open: boolean): void {
  managing = open
  for (const watcher of watchers) watcher()
}

export function useManaging(): boolean {
  return useSyncExternalStore(subscribe, () => managing)
}
