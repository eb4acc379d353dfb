import { dropEarly, earlyAt } from '../api/early'
import { type Choice, isNewestFirst, parseChoice, writeChoice } from '../filter/filter'
import { filterOf, orderOf } from '../filter/api-filter'
import { executionSource } from '../live/execution-source'
import { LiveList } from '../live/live-list'
import { apart, now } from '../time/clock'

/** How long a list outlives its screen, so that Back finds its rows and its place. */
const KEEP_MS = 10 * 60_000
const MAX_KEPT = 5

export interface Kept {
  list: LiveList
  /** Where it was scrolled to, in pixels. */
  top: number
  leftAt: number
}

const kept = new Map<string, Kept>()

/** The list of a choice: the one that was left a while ago, else a new one, which is opened. */
export function listOf(choice: Choice): Kept {
  // A range that ends now begins elsewhere once this clock is known to be wrong.
  const key = `${choice.range === null ? 0 : apart()} ${writeChoice(choice)}`
  for (const [name, { leftAt, list }] of kept) {
    if (leftAt && Date.now() - leftAt > KEEP_MS) {
      list.close()
      kept.delete(name)
    }
  }
  let found = kept.get(key)
  if (!found) {
    // As the early script has asked for it: the same filter to the millisecond.
    const filter = filterOf(choice, earlyAt() ?? now())
    const list = new LiveList(executionSource(filter, orderOf(choice)), isNewestFirst(choice))
    found = { list, top: 0, leftAt: 0 }
    kept.set(key, found)
    void list.open()
    dropEarly() // what this list has not taken is of no use to another
  }
  found.leftAt = 0
  kept.delete(key)
  kept.set(key, found) // the youngest last
  return found
}

/** Open the list of the page's address before it is drawn: what the early script has got by now is in the first picture. */
export function openEarly(): void {
  if (earlyAt() !== undefined) listOf(parseChoice(location.search).choice)
}

/** The screen shows it. */
export function enter(entered: Kept): void {
  entered.leftAt = 0
}

/** The screen has gone on to something else. What nobody has seen yet is not worth an answer. */
export function leave(left: Kept): void {
  left.leftAt = Date.now()
  // A moment later: a screen may leave and enter at once.
  queueMicrotask(() => {
    let surplus = kept.size - MAX_KEPT
    for (const [name, { leftAt, list }] of kept) {
      if (!leftAt || (list.orderedAt !== null && surplus <= 0)) continue
      list.close()
      kept.delete(name)
      surplus--
    }
  })
}
