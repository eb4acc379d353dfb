import { useEffect, useSyncExternalStore } from 'react'
import { ask } from '../api/api'
import type { ResultOf } from '../api/graphql'
import { session } from '../api/session'
import { Me } from './documents'

export type Viewer = NonNullable<ResultOf<typeof Me>['viewer']>

let viewer: Viewer | null = null
const watchers = new Set<() => void>()

async function load(): Promise<void> {
  try {
    viewer = (await ask(Me, {})).viewer
    for (const watcher of watchers) watcher()
  } catch {
    // Nobody is signed in, or nobody answers: the page says so elsewhere.
  }
}

/** Who is signed in; null until the server has said. */
export function useViewer(): Viewer | null {
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  useEffect(() => {
    if (!signedOut) void load()
  }, [signedOut])
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    () => viewer,
  )
}
