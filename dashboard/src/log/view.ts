import { useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { Level } from '../live/log-documents'

export const LEVELS: readonly Level[] = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL']

/** What one looks at in a log. */
export interface LogChoice {
  /** This level and more severe ones. */
  level: Level
  /** The index of a step; null: all. */
  step: number | null
  search: string
  /** Whether the search leaves out what does not match. */
  only: boolean
  /** The id of the marked line. */
  line: string | null
}

export interface LogView extends LogChoice {
  /** Change some of it. Not an entry of the browser's history: Back leads to the run before. */
  change(part: Partial<LogChoice>): void
  /** What goes on to another run, as a query. */
  kept: string
}

export const ALL: LogChoice = { level: 'TRACE', step: null, search: '', only: false, line: null }

export function parseView(query: string): LogChoice {
  const given = new URLSearchParams(query)
  const level = given.get('level') as Level | null
  const step = given.get('step')
  return {
    level: level !== null && LEVELS.includes(level) ? level : 'TRACE',
    step: step !== null && /^\d{1,4}$/.test(step) ? Number(step) : null,
    search: given.get('q') ?? '',
    only: given.has('only'),
    line: given.get('line'),
  }
}

/** The inverse of parseView; equal views have equal queries. */
export function writeView({ level, step, search, only, line }: LogChoice): string {
  const query = new URLSearchParams()
  if (level !== 'TRACE') query.set('level', level)
  if (step !== null) query.set('step', String(step))
  if (search !== '') query.set('q', search)
  if (only) query.set('only', '')
  if (line !== null) query.set('line', line)
  return query.size ? `?${query.toString().replace('only=&', 'only&').replace(/only=$/, 'only')}` : ''
}

/** A view in an address that says other things too. */
export function withOthers(query: string, view: string): string {
  const others = new URLSearchParams(query)
  for (const name of ['level', 'step', 'q', 'only', 'line']) others.delete(name)
  return others.size ? `${view === '' ? '?' : `${view}&`}${others}` : view
}

const keptOf = ({ level }: LogChoice): string => writeView({ ...ALL, level })

/** The URL is the state: of the page of a run. */
export function useUrlView(): LogView {
  const search = useSearch()
  const choice = parseView(search)
  const [path, go] = useLocation()
  return { ...choice, kept: keptOf(choice), change: (part) => go(`${path}${withOthers(search, writeView({ ...choice, ...part }))}`, { replace: true }) }
}

/** The level that was chosen last: opening the next run of the list keeps it. */
let level: Level = 'TRACE'

/** Beside the list the URL is the list's: what one looks at in the log of a run is kept here. */
export function useKeptView(id: string): LogView {
  const [kept, setKept] = useState<{ of: string; choice: LogChoice }>({ of: id, choice: { ...ALL, level } })
  // Another run has other steps and lines.
  const choice = kept.of === id ? kept.choice : { ...ALL, level }
  return {
    ...choice,
    kept: keptOf(choice),
    change: (part) => {
      level = part.level ?? level
      setKept((before) => ({ of: id, choice: { ...(before.of === id ? before.choice : choice), ...part } }))
    },
  }
}
