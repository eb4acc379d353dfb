import { dayOf, instantOf, wallOf } from './zoned'

/** What somebody types for a time: a range that goes on with the clock, one moment, or a span. Instants in ms. */
export type TypedTime =
  | { kind: 'range'; range: string }
  | { kind: 'moment'; at: number }
  | { kind: 'span'; from: number; to: number | null }

const UNITS: Record<string, string> = { m: 'm', min: 'm', h: 'h', d: 'd' }
const SEPARATOR = /\s+(?:-|–|to|until)\s+|\s*(?:–|\.\.)\s*|(?<=\d:\d\d)-(?=\d)/i

/** One side of a span: an instant, or a day with its two ends. */
type Point = { at: number; clock: boolean } | { day: number; next: number }

/** `14:00`, `yesterday`, `yesterday 14:00`, `3h`, `2026-11-28`, RFC 3339, and two of them: `14:00 - 15:30`. Null: none. */
export function parseTime(typed: string, now: number, zone: string): TypedTime | null {
  const text = typed.trim()
  const relative = /^(?:last\s+|-\s*)?(\d{1,4})\s*(m|min|h|d|w)$/i.exec(text)
  if (relative) {
    const [count, unit] = [Number(relative[1]), relative[2]!.toLowerCase()]
    if (count === 0) return null
    return { kind: 'range', range: unit === 'w' ? `${count * 7}d` : `${count}${UNITS[unit]}` }
  }
  const sides = text.split(SEPARATOR)
  if (sides.length > 2) return null
  const from = pointOf(sides[0]!, now, zone)
  if (!from) return null
  if (sides.length === 1) {
    if ('at' in from) return { kind: 'moment', at: from.at }
    return { kind: 'span', from: from.day, to: from.next > now ? null : from.next }
  }
  const start = 'at' in from ? from.at : from.day
  if (/^now$/i.test(sides[1]!)) return start < now ? { kind: 'span', from: start, to: null } : null
  const to = pointOf(sides[1]!, now, zone)
  if (!to) return null
  // A clock's time behind another time is the next one after it.
  const end = 'next' in to ? to.next : to.clock ? nextAfter(start, to.at, zone) : to.at
  return end > start ? { kind: 'span', from: start, to: end } : null
}

function pointOf(text: string, now: number, zone: string): Point | null {
  const clock = /^(?:(today|yesterday|\d{4}-\d\d-\d\d)(?:\s*,?\s+|T|$))?(?:(\d{1,2}):(\d\d)(?::(\d\d))?)?$/i.exec(text)
  if (clock && text !== '') {
    const [, named, hour, minute = '0', second = '0'] = clock
    const day = named === undefined ? null : dayNamed(named, now, zone)
    if (named !== undefined && day === null) return null
    if (hour === undefined) return day === null ? null : { day, next: dayOf(day, zone, 1) }
    if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
    const on = (base: number): number => onDay(base, zone, Number(hour), Number(minute), Number(second))
    if (day !== null) return { at: on(day), clock: false }
    const today = on(now)
    return { at: today <= now ? today : on(dayOf(now, zone, -1)), clock: true }
  }
  // RFC 3339: with a zone of its own.
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return null
  const at = Date.parse(text.toUpperCase().replace(' ', 'T').replace(' ', ''))
  return Number.isNaN(at) ? null : { at, clock: false }
}

function dayNamed(name: string, now: number, zone: string): number | null {
  if (/^today$/i.test(name)) return dayOf(now, zone)
  if (/^yesterday$/i.test(name)) return dayOf(now, zone, -1)
  const [year, month, day] = name.split('-').map(Number) as [number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() !== month - 1 || date.getUTCFullYear() !== year) return null // 30 February
  return instantOf({ year, month, day, hour: 0, minute: 0, second: 0 }, zone)
}

function onDay(base: number, zone: string, hour: number, minute: number, second: number): number {
  const { year, month, day } = wallOf(base, zone)
  return instantOf({ year, month, day, hour, minute, second }, zone)
}

function nextAfter(start: number, clock: number, zone: string): number {
  const { hour, minute, second } = wallOf(clock, zone)
  const same = onDay(start, zone, hour, minute, second)
  return same > start ? same : onDay(dayOf(start, zone, 1), zone, hour, minute, second)
}
