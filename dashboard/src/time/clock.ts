import { useSyncExternalStore } from 'react'
import { session } from '../api/session'

const SLOW_MS = 10_000
const FAST_MS = 1_000
/** More than this apart, the server's clock is the one that counts. */
const APART_MS = 30_000

/** One clock for all relative times: they move together, and one timer serves ten thousand rows. */
class Clock {
  private time = Date.now()
  private readonly watchers = new Set<() => void>()
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(private readonly every: number) {
    document.addEventListener('visibilitychange', () => this.run())
  }

  now = (): number => this.time

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    this.run()
    return () => {
      this.watchers.delete(watcher)
      this.run()
    }
  }

  private run(): void {
    const wanted = this.watchers.size > 0 && !document.hidden
    if (wanted && this.timer === undefined) {
      this.tick()
      this.timer = setInterval(() => this.tick(), this.every)
    } else if (!wanted) {
      clearInterval(this.timer)
      this.timer = undefined
    }
  }

  private tick(): void {
    this.time = now()
    for (const watcher of this.watchers) watcher()
  }
}

const slow = new Clock(SLOW_MS)
const fast = new Clock(FAST_MS)

/** Now, by the server's clock when this browser's is far from it. */
export function now(): number {
  const ahead = session.clockAhead()
  return Date.now() + (Math.abs(ahead) > APART_MS ? ahead : 0)
}

/** How far the server's clock is ahead of the one that `now` would else go by, to the minute: it grows known late. */
export function apart(): number {
  const ahead = session.clockAhead()
  return Math.abs(ahead) > APART_MS ? Math.round(ahead / 60_000) : 0
}

export function useApart(): number {
  return useSyncExternalStore(session.subscribe, apart)
}

/** The time that relative times are relative to: it moves every 10 s, or every second for what is young or running. */
export function useNow(young: boolean): number {
  const clock = young ? fast : slow
  return useSyncExternalStore(clock.subscribe, clock.now)
}
