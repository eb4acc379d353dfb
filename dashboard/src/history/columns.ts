import type { SortField } from '../filter/filter'

interface Spec {
  /** Of its track in the grid. */
  width: string
  /** The least width that it needs, in px. */
  least: number
  sort: SortField | null
  /** Which goes first where there is no room for all: the highest. Zero stays. */
  yields: number
  /** Numbers and times end where their column ends. */
  end?: true
}

export const COLUMNS = {
  status: { width: '8rem', least: 104, sort: 'status', yields: 0 },
  workflow: { width: 'minmax(0, 1.25fr)', least: 130, sort: 'workflow', yields: 0 },
  happened: { width: 'minmax(0, 2.3fr)', least: 180, sort: null, yields: 0 },
  trigger: { width: '6.4rem', least: 83, sort: null, yields: 2 },
  queued: { width: '6.3rem', least: 82, sort: 'queued', yields: 0, end: true },
  duration: { width: '7rem', least: 91, sort: 'duration', yields: 1, end: true },
  engine: { width: '7rem', least: 91, sort: null, yields: 3 },
  started: { width: '6.3rem', least: 82, sort: 'started', yields: 6, end: true },
  finished: { width: '6.3rem', least: 82, sort: 'finished', yields: 5, end: true },
  waited: { width: '7rem', least: 91, sort: null, yields: 4, end: true },
  externalId: { width: 'minmax(0, 1fr)', least: 110, sort: null, yields: 8 },
  requestedBy: { width: '7rem', least: 91, sort: null, yields: 7 },
} as const satisfies Record<string, Spec>

export type Column = keyof typeof COLUMNS
export const ALL = Object.keys(COLUMNS) as Column[]
export const USUAL: readonly Column[] = ['status', 'workflow', 'happened', 'trigger', 'queued', 'duration']
/** Below this width, in px, a row has two lines. */
export const TWO_LINES_BELOW = 640

const GAP = 10
/** Select and actions, and the padding of a row. */
const AROUND = 16 + 95 + 2 * GAP + 33

export function isEnd(column: Column): boolean {
  return 'end' in COLUMNS[column]
}

/** Columns that somebody chose, in their order; null if one of them is unknown, or those that always show are missing. */
export function parseColumns(names: unknown): Column[] | null {
  if (!Array.isArray(names) || new Set(names).size !== names.length) return null
  const known = names.every((name) => typeof name === 'string' && Object.hasOwn(COLUMNS, name))
  return known && ALL.every((name) => COLUMNS[name].yields || names.includes(name)) ? (names as Column[]) : null
}

/** Of chosen columns those for which there is room, in their order. */
export function fitting(columns: readonly Column[], width: number): Column[] {
  const left = [...columns]
  const needed = (): number => left.reduce((sum, column) => sum + COLUMNS[column].least + GAP, AROUND)
  while (needed() > width) {
    const first = left.reduce((a, b) => (COLUMNS[b].yields > COLUMNS[a].yields ? b : a))
    if (COLUMNS[first].yields === 0) break
    left.splice(left.indexOf(first), 1)
  }
  return left
}

/** The tracks of a row. */
export function tracks(columns: readonly Column[]): string {
  return `1.25rem ${columns.map((column) => COLUMNS[column].width).join(' ')} 7.3rem`
}

/** Another place for a column: one up or down. */
export function moved<C>(columns: readonly C[], column: C, by: 1 | -1): C[] {
  const at = columns.indexOf(column)
  const to = at + by
  if (at < 0 || to < 0 || to >= columns.length) return [...columns]
  return columns.toSpliced(at, 1).toSpliced(to, 0, column)
}
