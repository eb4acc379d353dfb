import { type Choice, parseRange, RANGES } from '../filter/filter'
import { contains, type Option } from '../parts/combobox'
import { texts } from '../texts'
import { brief } from '../time/time'
import { parseTime } from '../time/typed'

/** The window of the list: what can be chosen, and what is typed. A value is `range/3h`, or `from/…/to/…`. */

export function rangeText(range: string): string {
  const found = parseRange(range)
  return found ? texts.filter.range(found.count, found.unit) : range
}

/** What the chosen time is called; null: any. */
export function timeText({ range, from, to }: Choice, zone: string, now = Date.now()): string | null {
  if (range !== null) return rangeText(range)
  if (from !== null && to !== null) return spanText(from, to, zone, now)
  if (from !== null) return texts.filter.since(brief(from, zone, now))
  return to === null ? null : texts.filter.until(brief(to, zone, now))
}

/** The day of a span's end only where that is another one. */
function spanText(from: string, to: string, zone: string, now: number): string {
  const [start, end] = [brief(from, zone, now), brief(to, zone, now)]
  return texts.filter.span(start, start.slice(0, -5) === end.slice(0, -5) ? end.slice(-5) : end)
}

/** The ranges that are offered, those that contain what is typed first; and what that means as a time. */
export function timeOptions(choice: Choice, typed: string, now: number, zone: string): Option[] {
  const offered = RANGES.map((range) => ({
    value: `range/${range}`, text: rangeText(range), note: range, chosen: choice.range === range,
  })).filter(({ text, note }) => contains(text, typed) || note.startsWith(typed.trim()))
  const found = parseTime(typed, now, zone)
  if (found === null) return offered
  if (found.kind === 'range') {
    const exact = { value: `range/${found.range}`, text: rangeText(found.range), note: found.range }
    return [exact, ...offered.filter(({ value }) => value !== exact.value)]
  }
  if (found.kind === 'moment') {
    const at = new Date(found.at).toISOString()
    return [
      { value: `from/${at}`, text: texts.filter.since(brief(at, zone, now)) },
      { value: `to/${at}`, text: texts.filter.until(brief(at, zone, now)) },
    ]
  }
  const from = new Date(found.from).toISOString()
  if (found.to === null) return [{ value: `span/${from}`, text: texts.filter.since(brief(from, zone, now)) }]
  const to = new Date(found.to).toISOString()
  return [{ value: `span/${from}/${to}`, text: spanText(from, to, zone, now) }]
}

/** The choice with such a value. One end leaves the other where it was, unless it would lie behind it. */
export function withTime({ from, to }: Choice, value: string): Partial<Choice> {
  const [kind, first = '', second = null] = value.split('/')
  if (kind === 'range') return { range: first, from: null, to: null }
  if (kind === 'from') return { range: null, from: first, to: to !== null && to > first ? to : null }
  if (kind === 'to') return { range: null, from: from !== null && from < first ? from : null, to: first }
  return { range: null, from: first, to: second }
}
