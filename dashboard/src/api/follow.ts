import { type Client, CloseCode, createClient } from 'graphql-ws'
import { credentials } from './credentials'
import { afterFirst } from './early'
import { type TadaDocumentNode, textOf } from './graphql'
import { endSession, onUnavailable, session } from './session'

export type Link = 'connecting' | 'live' | 'reconnecting'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 15_000
/** A tab that is hidden longer than this closes its socket, and goes on from its cursor on return. */
const HIDDEN_MS = 60_000
const PING_MS = 12_000
/** After a sleep, or a change of networks, a socket may look open that leads nowhere: silence is its end. */
const SILENCE_MS = 5_000
/** Another filter is another subscription, over the same socket. */
const IDLE_MS = 3_000

const watchers = new Set<() => void>()
let link: Link = 'connecting'
let attempts = 0
/** How often a socket was opened; pauses grow only between two of them. */
let opened = 0

export const connection = {
  subscribe(watcher: () => void): () => void {
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  },
  link: (): Link => link,
  attempts: (): number => attempts,
  /** Whether the screen follows anything. */
  isWanted: (): boolean => followers.size > 0,
}

/** Whether the followers have been stopped because nobody looks. */
let resting = false

function tell(next: Link): void {
  if (next === 'live') attempts = 0
  if (next === 'reconnecting') attempts++
  link = next
  tellAll()
}

function tellAll(): void {
  for (const watcher of watchers) watcher()
}

let client: Client | undefined
let silence: ReturnType<typeof setTimeout> | undefined

function socket(): Client {
  client ??= createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => {
      const { 'x-runwatch-session': secret } = credentials()
      return secret === undefined ? {} : { session: secret }
    },
    lazy: true,
    retryAttempts: 0, // we come back ourselves: the library would repeat the variables that it was given first
    keepAlive: PING_MS,
    connectionAckWaitTimeout: SILENCE_MS * 2,
    lazyCloseTimeout: IDLE_MS,
    on: {
      connected: () => {
        opened++
        tell('live')
      },
      ping: (received) => {
        if (!received) silence = setTimeout(() => client?.terminate(), SILENCE_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(silence)
      },
      closed: (event) => {
        clearTimeout(silence)
        const { code } = event as CloseEvent
        if (code === CloseCode.Unauthorized) endSession()
        if (followers.size > 0 && !resting) tell('reconnecting')
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
  resting = false
  for (const follower of followers) follower.start()
}

function restAll(): void {
  resting = true
  for (const follower of followers) follower.stop()
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer)
  if (document.hidden) hiddenTimer = setTimeout(restAll, HIDDEN_MS)
  else wakeAll()
})
addEventListener('online', () => {
  client?.terminate() // what is open was opened over another network
  wakeAll()
})
// Its end shows as Reconnecting; the next one opens once there is somebody to sign in with.
onUnavailable(() => client?.terminate())
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
  let over = opened

  const again = (): void => {
    unsubscribe = undefined
    if (!followers.has(follower) || document.hidden || session.isSignedOut()) return
    clearTimeout(timer)
    if (over !== opened) pause = FIRST_PAUSE_MS
    over = opened
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
  void afterFirst().then(follower.start)
  tellAll()
  return () => {
    followers.delete(follower)
    follower.stop()
    tellAll()
  }
}
