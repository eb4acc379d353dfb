import { n, number } from './counts'

/** Every English word of what narrows a list: part of texts.ts. */
export const filterTexts = {
  search: 'Search workflow, id, error message',
  searchHint: 'Finds runs whose workflow name, external id or error message contains the text.',
  short: 'Type one more character.',
  status: 'Status',
  unresolved: 'Unresolved',
  active: 'Active filters',
  add: 'Filter',
  clear: 'Clear all',
  none: 'Nothing matches.',
  failed: (why: string) => `Not loaded: ${why} · ⏎ tries again`,
  unknown: '?',
  uncounted: (why: string) => `Not counted: ${why}`,
  by: 'Filter by',
  all: 'Filters',
  chosen: 'chosen:',
  not: (field: string) => `Not: ${field}`,
  excludeHint: '⏎ adds · Alt ⏎ or “not …” excludes',
  shows: (what: string | null) => (what === null ? 'Show them' : `Show ${what}`),
  show: (count: string | null) => (count === null ? 'Show runs' : count === '1' ? 'Show 1 run' : `Show ${count} runs`),
  remove: (filter: string) => `Remove filter: ${filter}`,
  durationHint: 'A duration, such as 500ms, 2s or 5m.',
  fields: {
    workflow: 'Workflow', state: 'State', engine: 'Engine', trigger: 'Trigger', step: 'Failed step',
    group: 'Error group', range: 'Queued within', min: 'Took at least', max: 'Took at most',
  },
  range: (count: number, unit: 'm' | 'h' | 'd') => {
    const word = { m: 'minute', h: 'hour', d: 'day' }[unit]
    return count === 1 ? `Last ${word}` : `Last ${number.format(count)} ${word}s`
  },
  anyTime: 'Any time',
  timeIs: (time: string) => `Time: ${time}`,
  since: (time: string) => `Since ${time}`,
  until: (time: string) => `Until ${time}`,
  span: (from: string, to: string) => `${from} – ${to}`,
  timeHint: 'Or type a time: 14:00, yesterday, 3h, 2026-11-28, 9:00 – 10:30',
  chip: {
    status: (value: string) => `Status: ${value}`,
    q: (value: string) => `Search: ${value}`,
    state: (value: string) => `State: ${value}`,
    workflow: (value: string) => `Workflow: ${value}`,
    notWorkflow: (value: string) => `Not: ${value}`,
    engine: (value: string) => `Engine: ${value}`,
    trigger: (value: string) => `Trigger: ${value}`,
    notTrigger: (value: string) => `Not by: ${value}`,
    step: (value: string) => `Failed step: ${value}`,
    group: (value: string) => `Error group: ${value}`,
    retry: 'Runs of a bulk retry',
    retryOf: (value: string) => `Retries of ${value}`,
    min: (value: string) => `At least ${value}`,
    max: (value: string) => `At most ${value}`,
    from: (value: string) => `From ${value}`,
    to: (value: string) => `To ${value}`,
  },
} as const

/** Of runs over time. */
export const histogramTexts = {
  title: 'Runs over time',
  says: (total: number, failed: number, from: string, to: string) =>
    `${n(total, 'run', 'runs')}, ${number.format(failed)} failed, from ${from} to ${to}.`,
  bar: (start: string, total: number, failed: number) =>
    `${start}: ${n(total, 'run', 'runs')}, ${number.format(failed)} failed`,
  caption: (total: number, atLeast: boolean) =>
    atLeast ? `${number.format(total)}+ runs` : n(total, 'run', 'runs'),
  drag: 'drag to choose a time',
  widen: 'Show all',
  asTable: 'show as table',
  tableHint: (zone: string) => `Times are of ${zone}; those without a run are left out. A time shows its runs alone.`,
  from: 'From',
  runs: 'Runs',
  choose: (from: string, to: string) => `${from}: show the runs until ${to}`,
} as const
