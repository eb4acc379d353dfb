/**
 * Who is signed in, and what the page keeps of it. The cookie is HttpOnly; over plain http the session is bound to a
 * second secret too, which only this origin can read: cookies ignore ports.
 */

import { credentials, keepSecret } from './credentials'

export type Refusal = 'wrong' | 'spent' | 'runner' | 'busy' | 'offline'
type Watcher = () => void

const watchers = new Set<Watcher>()
let signedOut = false
/** Whether anybody was signed in here before: then a session has ended. */
let known = false
let build: string | null = null
let outdated = false
/** How far the server's clock is ahead of this browser's, in milliseconds; null until an answer has told. */
let clockAhead: number | null = null
/** The header has whole seconds, and answers take their time: less than this says nothing new. */
const CLOCK_NOISE_MS = 2_000
/** One browser has one session: what a tab does with it, all of them know. */
const tabs = new BroadcastChannel('runwatch.session')
tabs.onmessage = ({ data }: MessageEvent<'in' | 'out'>): void => {
  if (data === 'out') endSession()
  else begin()
}

export const session = {
  subscribe(watcher: Watcher): () => void {
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  },
  isSignedOut: (): boolean => signedOut,
  isKnown: (): boolean => known || 'x-runwatch-session' in credentials(),
  isOutdated: (): boolean => outdated,
  /** Whether the server does not answer, or cannot reach its data; it is asked until it can. */
  isAway: (): boolean => away,
  clockAhead: (): number => clockAhead ?? 0,
}

function tell(): void {
  for (const watcher of watchers) watcher()
}

/** What every answer tells besides its data. `at`: when it arrived. */
export function notice(answer: Response, at = Date.now()): void {
  const now = answer.headers.get('x-runwatch-build')
  if (now !== null) {
    if (build !== null && now !== build && !outdated) {
      outdated = true
      tell()
    }
    build ??= now
  }
  const date = answer.headers.get('date')
  if (date !== null) {
    const ahead = Date.parse(date) + 500 - at // half a second is the best guess of what the header leaves out
    if (clockAhead === null || Math.abs(ahead - clockAhead) > CLOCK_NOISE_MS) {
      clockAhead = ahead
      tell()
    }
  }
  if (answer.status === 401) endSession()
  else if (answer.ok) known = true
  if (answer.status === 503) {
    if (!away) for (const each of unavailable) each()
    goAway()
  }
}

const FIRST_LOOK_MS = 500
const MAX_LOOK_MS = 15_000
const unavailable = new Set<Watcher>()
let away = false
/** Grows from look to look, and on where it came back only to go again: one request may fail beside a good health. */
let pause = FIRST_LOOK_MS
let backAt = 0

/** Call when the server cannot answer for now: what is open over the socket is not live either. */
export function onUnavailable(watcher: Watcher): void {
  unavailable.add(watcher)
}

/** The server, or the database behind it, does not answer. The session is not over: it goes on when that answers again. */
export function goAway(): void {
  if (away) return
  away = true
  if (Date.now() - backAt > MAX_LOOK_MS * 2) pause = FIRST_LOOK_MS
  tell()
  look()
}

function look(): void {
  setTimeout(() => {
    if (document.hidden) document.addEventListener('visibilitychange', look, { once: true })
    else fetch('/health').then(({ ok }) => (ok ? comeBack() : look()), look)
  }, pause)
  pause = Math.min(pause * 2, MAX_LOOK_MS)
}

function comeBack(): void {
  away = false
  backAt = Date.now()
  tell()
}

/** The session is over: the page asks for a new sign-in, and keeps everything else. */
export function endSession(): void {
  if (signedOut) return
  signedOut = true
  tell()
}

function begin(): void {
  signedOut = false
  tell()
}

/** Somebody else is signed in here; the code is still good. */
export interface Taken {
  signedIn: string
  offered: string
}

/** Sign in with a token that was typed, or a code from a link. Null: done; else why not. */
export async function signIn(
  given: { token: string } | { code: string; replace?: boolean },
): Promise<Refusal | Taken | null> {
  let answer: Response
  try {
    answer = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials() },
      body: JSON.stringify(given),
    })
  } catch {
    return 'offline'
  }
  if (answer.status === 409) {
    const { errors } = (await answer.json()) as { errors: { extensions: Taken }[] }
    return errors[0]!.extensions
  }
  if (answer.status === 429) return 'busy'
  if (answer.status === 403) return 'runner'
  if (!answer.ok) return answer.status >= 500 ? 'offline' : 'wrong'
  keepSecret(answer.headers.get('x-runwatch-session'))
  begin()
  tabs.postMessage('in')
  return null
}

/** An OpenID Connect provider that people sign in with, and the paths that lead to it. */
export interface Provider {
  label: string
  signIn: string
  /** Where the session at the provider is ended; null where it has no such place. */
  signOut: string | null
}

/** The server's provider; null if it has none, or does not answer: a token signs in all the same. */
export async function findProvider(): Promise<Provider | null> {
  try {
    const answer = await fetch('/session')
    return answer.ok ? ((await answer.json()) as { provider: Provider | null }).provider : null
  } catch {
    return null
  }
}

/** Give the session its whole lifetime again, in place. Whether it took. */
export async function renew(): Promise<boolean> {
  try {
    const answer = await fetch('/session', { method: 'PATCH', headers: credentials() })
    notice(answer)
    return answer.ok
  } catch {
    return false
  }
}

/** Sign out here and end the session everywhere it is used. */
export async function signOut(): Promise<void> {
  try {
    await fetch('/session', { method: 'DELETE', headers: credentials() })
  } finally {
    keepSecret(null)
    endSession()
    tabs.postMessage('out')
  }
}
