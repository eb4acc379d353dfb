/** What history shows, and its one spelling in the URL. Pure: no React, no DOM. */

export const STATUSES = ['FAILURE', 'PENDING', 'SUCCESS', 'CANCELLED'] as const
export const STATES = [
  'QUEUED', 'RUNNING', 'WAITING', 'CONTACT_LOST', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CRASHED', 'CANCELLED', 'SKIPPED',
] as const
/** Ranges that the page offers; any other is typed. */
export const RANGES = ['1h', '6h', '24h', '7d', '30d'] as const
export const SORTS = {
  queued: 'QUEUED_AT', started: 'STARTED_AT', finished: 'FINISHED_AT', duration: 'DURATION', workflow: 'WORKFLOW_NAME',
  status: 'STATUS',
} as const

export type Status = (typeof STATUSES)[number]
export type State = (typeof STATES)[number]
export type SortField = keyof typeof SORTS

export interface Sort {
  field: SortField
  descending: boolean
}

/** Every choice of history. Empty lists and nulls do not constrain. */
export interface Choice {
  status: Status[]
  state: State[]
  workflow: string[]
  notWorkflow: string[]
  engine: string[]
  trigger: string[]
  notTrigger: string[]
  step: string[]
  group: string[]
  unresolved: boolean
  retryOf: string | null
  /** A bulk retry: the runs that it made. */
  retry: string | null
  /** Milliseconds. */
  min: number | null
  max: number | null
  /** Relative to now, and so it stays: `90m`, `3h`, `7d`. */
  range: string | null
  from: string | null
  to: string | null
  q: string
  sort: Sort
}

/** What is chosen by a list of values. */
export type ListField = 'status' | 'state' | (typeof NAMES)[number]

export interface Parsed {
  choice: Choice
  /** Parameters that say nothing that we know, as `name=value`: named on the page, never dropped in silence. */
  unknown: string[]
}

export const NOTHING: Choice = {
  status: [], state: [], workflow: [], notWorkflow: [], engine: [], trigger: [], notTrigger: [], step: [], group: [],
  unresolved: false, retryOf: null, retry: null, min: null, max: null, range: null, from: null, to: null, q: '',
  sort: { field: 'queued', descending: true },
}

/** Parameters of the page that are no filter. */
const OTHERS = new Set(['run', 'columns', 'follow'])
const NAMES = ['workflow', 'notWorkflow', 'engine', 'trigger', 'notTrigger', 'step', 'group'] as const
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** `500ms`, `2s`, `1.5m`; null for what is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim())
  if (!match) return null
  const value = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
  return Number.isFinite(value) ? value : null
}

/** The shortest spelling that parseDuration reads back. */
export function writeDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms > 0 && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`
  }
  return `${ms}ms`
}

const RANGE_UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
export type RangeUnit = keyof typeof RANGE_UNITS

/** How many of which unit; null for what is no range. */
export function parseRange(text: string): { count: number; unit: RangeUnit; ms: number } | null {
  const match = /^([1-9]\d{0,4})([mhd])$/.exec(text)
  if (!match) return null
  const [count, unit] = [Number(match[1]), match[2] as RangeUnit]
  return { count, unit, ms: count * RANGE_UNITS[unit] }
}

/** Where a range that ends now begins. */
export function startOf(range: string, now: number): string {
  return new Date(now - (parseRange(range)?.ms ?? 0)).toISOString()
}

function parseSort(text: string): Sort | null {
  const descending = text.startsWith('-')
  const field = descending ? text.slice(1) : text
  return Object.hasOwn(SORTS, field) ? { field: field as SortField, descending } : null
}

function instant(text: string): string | null {
  // The zone is needed: without it, a link would mean another time for each reader.
  return /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null
}

function isId(of: 'execution' | 'errorGroup' | 'bulkRetry', text: string): boolean {
  return new RegExp(`^${of}_[0-9a-f]{32}$`).test(text)
}

/** Read the part of a URL behind `?`. */
export function parseChoice(query: string | URLSearchParams): Parsed {
  const choice: Choice = structuredClone(NOTHING)
  const unknown: string[] = []
  for (const [name, value] of new URLSearchParams(query)) {
    if (!take(choice, name, value) && !OTHERS.has(name)) unknown.push(`${name}=${value}`)
  }
  return { choice, unknown }
}

function take(choice: Choice, name: string, value: string): boolean {
  const given = <T>(parsed: T | null, set: (parsed: T) => void): boolean => {
    if (parsed === null) return false
    set(parsed)
    return true
  }
  const add = (list: string[]): boolean => {
    if (value === '') return false
    if (!list.includes(value)) list.push(value)
    return true
  }
  switch (name) {
    case 'status':
      return (STATUSES as readonly string[]).includes(value) && add(choice.status)
    case 'state':
      return (STATES as readonly string[]).includes(value) && add(choice.state)
    case 'workflow': case 'notWorkflow': case 'engine': case 'trigger': case 'notTrigger':
    case 'step':
      return add(choice[name])
    case 'group':
      return isId('errorGroup', value) && add(choice.group)
    case 'unresolved':
      return value === '1' && (choice.unresolved = true)
    case 'retryOf':
      return given(isId('execution', value) ? value : null, (id) => (choice.retryOf = id))
    case 'retry':
      return given(isId('bulkRetry', value) ? value : null, (id) => (choice.retry = id))
    case 'min': case 'max':
      return given(parseDuration(value), (ms) => (choice[name] = ms))
    case 'range':
      return given(parseRange(value) ? value : null, (range) => (choice.range = range))
    case 'from': case 'to':
      return given(instant(value), (time) => (choice[name] = time))
    case 'q':
      choice.q = value
      return true
    case 'sort':
      return given(parseSort(value), (sort) => (choice.sort = sort))
    default:
      return false
  }
}

/** Write what parseChoice reads, in one fixed order: equal views have equal URLs. */
export function writeChoice(choice: Choice): URLSearchParams {
  const query = new URLSearchParams()
  const all = (name: string, values: readonly string[]): void => {
    for (const value of values) query.append(name, value)
  }
  all('status', choice.status)
  all('state', choice.state)
  for (const name of NAMES) all(name, choice[name])
  if (choice.unresolved) query.set('unresolved', '1')
  if (choice.retryOf !== null) query.set('retryOf', choice.retryOf)
  if (choice.retry !== null) query.set('retry', choice.retry)
  if (choice.min !== null) query.set('min', writeDuration(choice.min))
  if (choice.max !== null) query.set('max', writeDuration(choice.max))
  if (choice.range !== null) query.set('range', choice.range)
  if (choice.from !== null) query.set('from', choice.from)
  if (choice.to !== null) query.set('to', choice.to)
  if (choice.q !== '') query.set('q', choice.q)
  const { field, descending } = choice.sort
  if (field !== 'queued' || !descending) query.set('sort', `${descending ? '-' : ''}${field}`)
  return query
}

/** Whether anything narrows the list: a sort does not. */
export function isNarrowed(choice: Choice): boolean {
  return writeChoice({ ...choice, sort: NOTHING.sort }).size > 0
}

/** The order in which newcomers are at the top. */
export function isNewestFirst({ sort }: Choice): boolean {
  return sort.field === 'queued' && sort.descending
}

/** The choice with one more value in a list; what was chosen stays. */
export function withValue(choice: Choice, list: ListField, value: string): Partial<Choice> {
  const values: readonly string[] = choice[list]
  return values.includes(value) ? {} : { [list]: [...values, value] }
}

/** The choice without a value. */
export function withoutValue(choice: Choice, list: ListField, value: string): Partial<Choice> {
  return { [list]: (choice[list] as readonly string[]).filter((each) => each !== value) }
}

/** A range that is relative to now, made absolute: what "exactly these times" copies. */
export function exactly(choice: Choice, now: number): Choice {
  if (choice.range === null) return choice
  return { ...choice, range: null, from: startOf(choice.range, now), to: new Date(now).toISOString() }
}
