import { LOCALE } from '../locale'

/** What a clock on a wall of a zone shows. Months from 1. */
export interface Wall {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string): Intl.DateTimeFormat {
  let made = formats.get(zone)
  if (!made) {
    const two = '2-digit'
    made = new Intl.DateTimeFormat(LOCALE, {
      timeZone: zone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23',
      year: 'numeric', month: two, day: two, hour: two, minute: two, second: two,
    })
    formats.set(zone, made)
  }
  return made
}

/** What the zone's clocks show at an instant, in ms. */
export function wallOf(at: number, zone: string): Wall {
  const parts = Object.fromEntries(format(zone).formatToParts(at).map(({ type, value }) => [type, value]))
  const of = (type: string): number => Number(parts[type])
  return { year: of('year'), month: of('month'), day: of('day'), hour: of('hour'), minute: of('minute'), second: of('second') }
}

function asIfUtc({ year, month, day, hour, minute, second }: Wall): number {
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/**
 * The instant at which the zone's clocks show this. Days and hours beyond their range are of the next day, or the one
 * before. A time that comes twice, as clocks are put back, is the first; one that never comes is as long after midnight
 * as if they had not been put forward.
 */
export function instantOf(wall: Wall, zone: string): number {
  const wanted = asIfUtc(wall)
  const offset = (at: number): number => asIfUtc(wallOf(at, zone)) - Math.floor(at / 1000) * 1000
  // The offsets on both sides of any change that could matter; the greater one gives the earlier instant.
  const DAY = 86_400_000
  const offsets = [offset(wanted - DAY), offset(wanted + DAY)]
  const candidates = offsets.map((each) => wanted - each).toSorted((a, b) => a - b)
  const exact = candidates.find((at) => asIfUtc(wallOf(at, zone)) === wanted)
  return exact ?? wanted - offsets[0]!
}

/** Midnight, or what comes first of a day without one; `by` days later. */
export function dayOf(at: number, zone: string, by = 0): number {
  const { year, month, day } = wallOf(at, zone)
  return instantOf({ year, month, day: day + by, hour: 0, minute: 0, second: 0 }, zone)
}
