import { brief, clockTime, zoneName } from '../time/time'

const MINUTE_S = 60
const DAY_S = 86_400

/**
 * Times of an axis by the zone's clock, with the day where another one begins; where clocks are put back or forward between
 * them, with the name of the time, too. Pure.
 */
export function labels(splits: readonly number[], step: number, zone: string): string[] {
  const times = splits.map((split) => new Date(split * 1000).toISOString())
  const names = times.map((at) => zoneName(at, zone))
  const changes = new Set(names).size > 1
  let before = ''
  return times.map((at, index) => {
    const said = brief(at, zone)
    const [day, time] = [said.slice(0, -6), step < MINUTE_S ? clockTime(at, zone).slice(0, 8) : said.slice(-5)]
    const other = day !== before
    before = day
    const name = changes && names[index] !== names[index - 1] ? ` ${names[index]}` : ''
    if (step >= DAY_S) return `${day}${name}`
    return other ? `${time}${name}\n${day}` : `${time}${name}`
  })
}
