import { type Client, CloseCode, createClient } from 'graphql-ws'
import { textOf } from './api'
import type { TadaDocumentNode } from './graphql'
import { credentials, endSession, session } from './session'

export type Link = 'connecting' | 'live' | 'reconnecting'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 15_000
/** A tab that is hidden longer than this closes its socket, and goes on from its cursor on return. */
const HIDDEN_MS = 60_000

const watchers = new Set<() => void>()
let link: Link = 'connecting'
let attempts = 0

export const connection = {
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  },
  link: (): Link => link,
  attempts: (): number => attempts,
}

function tell(next: Link): void {
  if (next === 'live') attempts = 0
  if (next === 'reconnecting') attempts++
  link = next
  for (const watcher of watchers) watcher()
}

let client: Client | undefined

function socket(): Client {
  client ??= createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => {
      const { 'x-runwatch-session': secret } = credentials()
      return secret === undefined ? {} : { session: secret }
    },
    lazy: true,
    retryAttempts: 0, // we come back ourselves: the library would repeat the variables that it was given first
    keepAlive: 12_000,
    on: {
      connected: () => tell('live'),
      closed: (event) => {
        const { code } = event as CloseEvent
        if (code === CloseCode.Unauthorized) endSession()
        if (followers.size > 0) tell('reconnecting')
      },
    },
  })
  return client
}

interface Follower {
  start(): void
  stop(): void
}

const followers = new Set<Follower>()
let hiddenTimer: ReturnType<typeof setTimeout> | undefined

function wakeAll(): void {
  for (const follower of followers) follower.start()
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer)
  if (document.hidden) {
    hiddenTimer = setTimeout(() => {
      for (const follower of followers) follower.stop()
    }, HIDDEN_MS)
  } else wakeAll()
})
addEventListener('online', wakeAll)
session.subscribe(() => {
  if (!session.isSignedOut()) wakeAll()
})

/**
 * Follow a subscription over every break. `variables` is asked again at each start, so that it can hold the newest
 * cursor. Returns the end of it.
 */
export function follow<R, V>(
  document_: TadaDocumentNode<R, V>,
  variables: () => V,
  next: (value: R) => void,
): () => void {
  let unsubscribe: (() => void) | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let pause = FIRST_PAUSE_MS

  const again = (): void => {
    unsubscribe = undefined
    if (!followers.has(follower) || document.hidden || session.isSignedOut()) return
    clearTimeout(timer)
    timer = setTimeout(follower.start, pause * (0.5 + Math.random()))
    pause = Math.min(pause * 2, MAX_PAUSE_MS)
  }
  const follower: Follower = {
    start() {
      if (unsubscribe || !followers.has(follower)) return
      clearTimeout(timer)
      let current = true
      const stop = socket().subscribe<R>(
        { query: textOf(document_), variables: variables() as Record<string, unknown> },
        {
          next: (value) => {
            pause = FIRST_PAUSE_MS
            if (current && value.data) next(value.data)
          },
          error: () => current && again(),
          complete: () => current && again(),
        },
      )
      unsubscribe = () => {
        current = false
        stop()
      }
    },
    stop() {
      clearTimeout(timer)
      unsubscribe?.()
      unsubscribe = undefined
    },
  }
  followers.add(follower)
  follower.start()
  return () => {
    followers.delete(follower)
    follower.stop()
  }
}
