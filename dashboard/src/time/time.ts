import { tenths } from '../counts'
import { LOCALE } from '../locale'
import { texts } from '../texts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const UNITS = [
  ['d', DAY],
  ['h', HOUR],
  ['min', MINUTE],
  ['s', 1000],
] as const

/** `14 s ago`; what the clocks of two machines put into the future is 0 s ago. */
export function ago(iso: string, now: number): string {
  const ms = Math.max(0, now - Date.parse(iso))
  const [unit, size] = UNITS.find(([, length]) => ms >= length) ?? UNITS[3]
  return texts.ago(Math.floor(ms / size), unit)
}

/** How long it is until a time that lies ahead, in the coarsest unit that fits; `now` once it is there. */
export function until(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  return ms <= 0 ? ago(iso, now) : texts.until(duration(ms < 1000 ? 1000 : Math.floor(ms / 1000) * 1000))
}

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  let made = formats.get(key)
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: zone })))
  return made
}

/** `28 Nov 2026, 13:01:24 CET` */
export function absolute(iso: string, zone: string): string {
  return format(zone, {
    day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
    timeZoneName: 'short',
  }).format(Date.parse(iso))
}

/** `28 Nov 13:00`; with its year where that is not this one. */
export function brief(iso: string, zone: string, now = Date.now()): string {
  const year = format(zone, { year: 'numeric' })
  const at = Date.parse(iso)
  return format(zone, {
    day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit',
    ...(year.format(at) === year.format(now) ? {} : { year: 'numeric' }),
  })
    .format(at)
    .replace(',', '')
}

/** `CET`: what the zone is called at that time. */
export function zoneName(iso: string, zone: string): string {
  const parts = format(zone, { timeZoneName: 'short' }).formatToParts(Date.parse(iso))
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone
}

/** The ends of an axis; where the clocks are put back or forward between them, each says which time it is. */
export function axisEnds(from: string, to: string, zone: string, now = Date.now()): [string, string] {
  const [start, end] = [zoneName(from, zone), zoneName(to, zone)]
  const said = (iso: string, name: string): string => `${brief(iso, zone, now)}${start === end ? '' : ` ${name}`}`
  return [said(from, start), said(to, end)]
}

/** `13:01:24.325` */
export function clockTime(iso: string, zone: string): string {
  return format(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }).format(
    Date.parse(iso),
  )
}

/** `+1.204 s`, `+2:05.120`, `−0.010 s`: how long after the start of a run. */
export function offset(ms: number): string {
  const sign = ms < 0 ? '−' : '+'
  const rounded = Math.round(Math.abs(ms))
  const seconds = (rounded % MINUTE) / 1000
  if (rounded < MINUTE) return `${sign}${seconds.toFixed(3)} s`
  const rest = seconds.toFixed(3).padStart(6, '0')
  const minutes = Math.floor(rounded / MINUTE)
  if (rounded < HOUR) return `${sign}${minutes}:${rest}`
  return `${sign}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}

/** Milliseconds with the part that Date drops: the API has microseconds. */
export function millis(iso: string): number {
  const micros = /\.\d{3}(\d{3})/.exec(iso)?.[1]
  return Date.parse(iso) + (micros === undefined ? 0 : Number(micros) / 1000)
}

/** `0.2 ms`, `52 ms`, `6.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms === 0 ? 0 : Math.max(0.1, Math.round(ms * 10) / 10)} ms`
  if (ms < 999.5) return `${tenths(ms < 10 ? ms : Math.round(ms))} ms`
  if (ms < 59_950) return `${tenths(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(seconds, 60, 'min', 's')
  const minutes = Math.round(ms / MINUTE)
  if (minutes < 24 * 60) return pair(minutes, 60, 'h', 'min')
  return pair(Math.round(ms / HOUR), 24, 'd', 'h')
}

function pair(value: number, base: number, unit: string, rest: string): string {
  const left = value % base
  return `${Math.floor(value / base)} ${unit}${left ? ` ${left} ${rest}` : ''}`
}
