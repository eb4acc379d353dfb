const KEY = 'runwatch.palette'
const MAX_KEPT = 100

/** How often each entry was chosen in this browser. */
export function readUses(): Record<string, number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof stored === 'object' && stored !== null ? (stored as Record<string, number>) : {}
  } catch {
    return {}
  }
}

/** One was chosen. Of many, those that were chosen most are kept. */
export function noteUse(value: string): void {
  const uses = readUses()
  uses[value] = (uses[value] ?? 0) + 1
  const kept = Object.entries(uses).toSorted(([, one], [, other]) => other - one).slice(0, MAX_KEPT)
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)))
}
