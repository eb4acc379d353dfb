import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTime } from './typed'
import { dayOf, instantOf, wallOf } from './zoned'

const NOON = Date.parse('2026-11-28T12:00:00Z') // 13:00 in Berlin
const iso = (at: number): string => new Date(at).toISOString().slice(0, 19)
const read = (text: string, zone = 'Europe/Berlin', now = NOON): string | null => {
  const found = parseTime(text, now, zone)
  if (found === null) return null
  if (found.kind === 'range') return found.range
  if (found.kind === 'moment') return iso(found.at)
  return `${iso(found.from)} to ${found.to === null ? 'now' : iso(found.to)}`
}

describe('what is typed for a time', () => {
  test.each([
    // Ranges go on with the clock.
    ['3h', '3h'], ['-3h', '3h'], ['last 90 min', '90m'], ['2w', '14d'], [' 7d ', '7d'],
    // A clock's time is the last one that was, in the zone.
    ['12:30', '2026-11-28T11:30:00'], ['14:00', '2026-11-27T13:00:00'], ['9:05:30', '2026-11-28T08:05:30'],
    ['yesterday 14:00', '2026-11-27T13:00:00'], ['2026-11-01 00:30', '2026-10-31T23:30:00'], ['2026-11-01T00:30', '2026-10-31T23:30:00'],
    // A day is all of it.
    ['yesterday', '2026-11-26T23:00:00 to 2026-11-27T23:00:00'], ['Today', '2026-11-27T23:00:00 to now'],
    ['2026-10-25', '2026-10-24T22:00:00 to 2026-10-25T23:00:00'],
    // RFC 3339 has a zone of its own.
    ['2026-11-28T10:00:00Z', '2026-11-28T10:00:00'], ['2026-11-28T10:00:00.5+05:30', '2026-11-28T04:30:00'],
    // Two of them.
    ['11:00 - 12:30', '2026-11-28T10:00:00 to 2026-11-28T11:30:00'], ['11:00-12:30', '2026-11-28T10:00:00 to 2026-11-28T11:30:00'],
    ['yesterday 22:00 to 2:00', '2026-11-27T21:00:00 to 2026-11-28T01:00:00'], ['2026-11-01..2026-11-02', '2026-10-31T23:00:00 to 2026-11-02T23:00:00'],
    ['9:00 – now', '2026-11-28T08:00:00 to now'], ['2026-11-28T08:00:00Z - 2026-11-28T09:00:00Z', '2026-11-28T08:00:00 to 2026-11-28T09:00:00'],
    // Nothing.
    ['', null], ['25:00', null], ['12:60', null], ['0h', null], ['-1', null], ['tomorrow', null], ['2026-02-30', null], ['1 to 2 to 3', null],
    ['2026-11-02 - 2026-10-01', null], ['2026-11-28T10:00:00', '2026-11-28T09:00:00'], ['12:00 -', null], ['now', null],
  ])('%j reads as %s', (text, expected) => {
    expect(read(text)).toBe(expected)
  })

  test('any text is read, or is none', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9:\-. today]*$/)), (text) => void read(text)))
  })
})

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'America/Sao_Paulo')
const instants = fc.integer({ min: Date.UTC(1980, 0), max: Date.UTC(2040, 0) }).map((at) => Math.floor(at / 1000) * 1000)

test('an instant is found again by what its clock shows, but for the hour that comes twice', () => {
  fc.assert(
    fc.property(instants, zones, (at, zone) => {
      const found = instantOf(wallOf(at, zone), zone)
      expect(wallOf(found, zone)).toEqual(wallOf(at, zone))
      expect(at - found === 0 || (at - found > 0 && at - found <= 3_600_000)).toBe(true)
    }),
  )
})

test('a typed clock time is the last one that was', () => {
  fc.assert(
    fc.property(instants, zones, fc.nat(23), fc.nat(59), (now, zone, hour, minute) => {
      const found = parseTime(`${hour}:${String(minute).padStart(2, '0')}`, now, zone)
      expect(found?.kind).toBe('moment')
      const { at } = found as { at: number }
      // A day has 25 hours at most, and a clock that is put forward leaves out one.
      expect(now - at).toBeGreaterThanOrEqual(-3_600_000)
      expect(now - at).toBeLessThanOrEqual(26 * 3_600_000)
    }),
  )
})

test('days follow one another without a gap', () => {
  fc.assert(
    fc.property(instants, zones, (at, zone) => {
      const [start, end] = [dayOf(at, zone), dayOf(at, zone, 1)]
      expect(start).toBeLessThanOrEqual(at)
      expect(end).toBeGreaterThan(at)
      expect(dayOf(end, zone)).toBe(end)
    }),
  )
})

test('clocks that are put forward leave out no instant', () => {
  // 02:30 never came in Berlin on 29 March 2026: it is read as an hour later.
  expect(iso(instantOf({ year: 2026, month: 3, day: 29, hour: 2, minute: 30, second: 0 }, 'Europe/Berlin'))).toBe('2026-03-29T01:30:00')
})
