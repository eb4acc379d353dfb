import { type JSX, useEffect, useState, useSyncExternalStore } from 'react'
import { connection } from '../api/follow'
import { session } from '../api/session'
import { useIsPhone } from '../parts/row-height'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { now } from '../time/clock'
import { clockTime } from '../time/time'
import { Icon } from './icons'

/** What a list lets the frame pause; null on screens that follow nothing. */
export interface Pausable {
  paused: boolean
  held: number
  /** When it was last asked again because nobody could say what had changed: by performance.now(). */
  resyncedAt: number | null
  toggle(): void
}

let pausable: Pausable | null = null
const watchers = new Set<() => void>()

/** Say what the connection's button pauses. */
export function offerPause(next: Pausable | null): void {
  pausable = next
  for (const watcher of watchers) watcher()
}

const PATIENCE_MS = 1_000
/** How long it says that the list was asked again. */
const REFRESHED_MS = 5_000

/** The state of the live connection, always in the same place: icon, word and colour; a press pauses. */
export function Connection(): JSX.Element {
  const link = useSyncExternalStore(connection.subscribe, connection.link)
  const wanted = useSyncExternalStore(connection.subscribe, connection.isWanted)
  const attempts = useSyncExternalStore(connection.subscribe, connection.attempts)
  const away = useSyncExternalStore(session.subscribe, session.isAway)
  const pause = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    () => pausable,
  )
  const zone = useZone()
  const phone = useIsPhone()
  const [since, setSince] = useState(() => new Date(now()).toISOString())
  const [patient, setPatient] = useState(true)
  useEffect(() => {
    if (link === 'live') return
    setSince(new Date(now()).toISOString())
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS)
    return () => {
      clearTimeout(timer)
      setPatient(true)
    }
  }, [link])

  const resyncedAt = pause?.resyncedAt ?? null
  const [refreshed, setRefreshed] = useState(false)
  useEffect(() => {
    const left = resyncedAt === null ? 0 : REFRESHED_MS - (performance.now() - resyncedAt)
    if (left <= 0) return
    setRefreshed(true)
    const timer = setTimeout(() => setRefreshed(false), left)
    return () => {
      clearTimeout(timer)
      setRefreshed(false)
    }
  }, [resyncedAt])

  const paused = pause?.paused ?? false
  const broken = link === 'reconnecting' || away
  let text: string = texts.connection.live
  if (paused) text = texts.connection.paused(pause!.held)
  else if (broken) text = texts.connection.reconnecting
  else if (link === 'connecting') text = patient || !wanted ? '' : texts.connection.connecting
  else if (refreshed) text = texts.connection.refreshed
  const time = clockTime(since, zone).slice(0, 8)
  // Behind the word, what there is room for.
  const more = !broken || paused ? [] : phone ? [time] : [texts.connection.attempts(Math.max(attempts, 1)), texts.connection.dataOf(time)]
  const name = [text, ...more].join(' ')
  return (
    <button
      type="button"
      // Without a word for it, as on a screen that follows nothing, its icon would say Live.
      className={`item ${text === '' ? 'unsaid' : paused || broken ? 'broken' : 'live'}`}
      aria-label={pause && text ? `${name}. ${paused ? texts.connection.resume : texts.connection.pause}` : text ? name : texts.connection.connecting}
      aria-disabled={!pause}
      onClick={() => pause?.toggle()}
    >
      <Icon name={paused ? 'paused' : broken ? 'broken' : refreshed ? 'refreshed' : 'live'} />
      <span className="label" role="status">
        {text}{' '}
        {more.map((each) => (
          <span key={each} className="more">
            {each}{' '}
          </span>
        ))}
      </span>
    </button>
  )
}
