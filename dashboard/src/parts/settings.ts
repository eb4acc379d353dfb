import { useSyncExternalStore } from 'react'

/** What a person has chosen for this browser. Nothing of it is a secret. */
export interface Settings {
  theme: 'system' | 'light' | 'dark'
  density: 'comfortable' | 'compact'
  /** Null: the browser's. */
  zone: string | null
  singleKeys: boolean
  /** Of history, by name, in their order. */
  columns: string[] | null
  exportFormat: 'csv' | 'ndjson'
  /** Of an exported list, by name; null: all. */
  exportColumns: string[] | null
  frames: 'own' | 'all' | 'raw'
  wrapLog: boolean
  /** Log lines with clock times, instead of those since the start of the run. */
  logClock: boolean
}

const DEFAULTS: Settings = {
  theme: 'system',
  density: 'comfortable',
  zone: null,
  singleKeys: true,
  columns: null,
  exportFormat: 'csv',
  exportColumns: null,
  frames: 'own',
  wrapLog: true,
  logClock: false,
}
const KEY = 'runwatch.settings'
const watchers = new Set<() => void>()

function read(): Settings {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof stored === 'object' ? { ...DEFAULTS, ...stored } : DEFAULTS
  } catch {
    return DEFAULTS
  }
}

let settings = read()

function show(): void {
  const { dataset } = document.documentElement
  dataset.density = settings.density
  if (settings.theme === 'system') {
    delete dataset.theme
    localStorage.removeItem('runwatch.theme') // the early script reads it before the first paint
  } else {
    dataset.theme = settings.theme
    localStorage.setItem('runwatch.theme', settings.theme)
  }
}
show()

export function currentSettings(): Settings {
  return settings
}

export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change }
  localStorage.setItem(KEY, JSON.stringify(settings))
  show()
  for (const watcher of watchers) watcher()
}

addEventListener('storage', (event) => {
  if (event.key !== KEY) return
  settings = read()
  show()
  for (const watcher of watchers) watcher()
})

export function useSettings(): Settings {
  return useSyncExternalStore((watcher) => {
    watchers.add(watcher)
    return () => void watchers.delete(watcher)
  }, currentSettings)
}

// For Intl it is its first work, which takes 15 ms of CPU before the first row; Temporal is not everywhere yet.
const { Temporal } = globalThis as { Temporal?: { Now: { timeZoneId(): string } } }
export const BROWSER_ZONE = Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone

export function zoneNow(): string {
  return settings.zone ?? BROWSER_ZONE
}

/** The zone of every absolute time on the page. */
export function useZone(): string {
  return useSettings().zone ?? BROWSER_ZONE
}
