import { SentNumber } from '../api/api'

/** JSON as the rows of a tree that folds. Pure. */

export interface JsonRow {
  /** As one writes it in code: `orders[0].customer.name`; empty for the whole. */
  path: string
  name: string | null
  value: unknown
  level: number
  /** Of a branch: how many entries it has, and whether they are shown. Null for a leaf. */
  branch: { kind: 'list' | 'object'; count: number; open: boolean } | null
  /** Instead of a value: how many entries of the branch at `path` are left out. */
  more: number
}

/** What one has folded, and how far one has gone on, by path. */
export interface Folding {
  open: ReadonlyMap<string, boolean>
  limits: ReadonlyMap<string, number>
  /** Branches at a lower level than this are open unless folded by hand. */
  depth: number
}

/** Paths where a text occurs, and those of the branches around them. */
export interface Found {
  found: ReadonlySet<string>
  around: ReadonlySet<string>
}

/** Entries of one branch that are shown at once. */
export const MAX_ENTRIES = 200
/** Values that a search looks at: a tree of this size takes it a few milliseconds. */
const MAX_LOOKED_AT = 100_000
const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$]*$/u

export function entriesOf(value: unknown): [string, unknown][] | null {
  if (typeof value !== 'object' || value === null || value instanceof SentNumber) return null
  return Object.entries(value)
}

export function pathOf(parent: string, name: string, list: boolean): string {
  if (list) return `${parent}[${name}]`
  if (!IDENTIFIER.test(name)) return `${parent}[${JSON.stringify(name)}]`
  return parent === '' ? name : `${parent}.${name}`
}

/** With `only`, nothing but what was found, what is around it, and what is in it. */
export function rowsOf(value: unknown, { open, limits, depth }: Folding, only: Found | null = null): JsonRow[] {
  const rows: JsonRow[] = []
  const add = (name: string | null, each: unknown, path: string, level: number, within: boolean): void => {
    const entries = entriesOf(each)
    if (entries === null) {
      rows.push({ path, name, value: each, level, branch: null, more: 0 })
      return
    }
    const list = Array.isArray(each)
    const inside = within || (only?.found.has(path) ?? false)
    const around = only?.around.has(path) ?? false
    const shown = around || (open.get(path) ?? (only === null && level < depth))
    rows.push({ path, name, value: each, level, branch: { kind: list ? 'list' : 'object', count: entries.length, open: shown }, more: 0 })
    if (!shown) return
    const limit = limits.get(path) ?? MAX_ENTRIES
    const wanted = entries
      .map(([key, child]) => [key, child, pathOf(path, key, list)] as const)
      .filter(([, , at]) => only === null || inside || only.found.has(at) || only.around.has(at))
    for (const [key, child, at] of wanted.slice(0, limit)) add(key, child, at, level + 1, inside)
    const more = wanted.length - limit
    if (more > 0) rows.push({ path, name: null, value: null, level: level + 1, branch: null, more })
  }
  add(null, value, '', 0, false)
  return rows
}

/** Where a text occurs in names and values, in any case: the paths, and those of the branches around them. */
export function search(value: unknown, text: string): Found {
  const wanted = text.toLowerCase()
  const found = new Set<string>()
  const around = new Set<string>()
  let left = MAX_LOOKED_AT
  const look = (name: string, each: unknown, path: string, parents: readonly string[]): void => {
    if (left-- <= 0) return
    const entries = entriesOf(each)
    if (name.toLowerCase().includes(wanted) || (entries === null && textOf(each).toLowerCase().includes(wanted))) {
      found.add(path)
      for (const parent of parents) around.add(parent)
    }
    if (!entries) return
    const list = Array.isArray(each)
    const inner = [...parents, path]
    for (const [key, child] of entries) look(list ? '' : key, child, pathOf(path, key, list), inner)
  }
  if (wanted !== '') look('', value, '', [])
  return { found, around }
}

/** A leaf as one reads it; a text without its quotes. */
export function textOf(value: unknown): string {
  return value instanceof SentNumber ? value.source : String(value)
}
