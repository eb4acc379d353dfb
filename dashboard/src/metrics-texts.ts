import { n, number } from './counts'

const between = ([least, most]: readonly [string, string]): string => (least === most ? least : `from ${least} to ${most}`)

/** Every English word of the figures: texts.ts continued, loaded with their page. */
export const metricsTexts = {
  title: 'Metrics',
  comparedWith: (from: string, to: string) => `compared with ${from} – ${to}`,
  asOf: (time: string) => `as of ${time}`,
  again: 'Ask again',
  share: 'Copy link',
  showFigures: 'Show the figures',
  none: 'No run in this time.',
  kept: (since: string) => `Runs that ended before ${since} may be deleted: they count here, and no list has them.`,
  cards: {
    label: 'Figures',
    successRate: 'Success rate',
    average: 'Average time',
    p95: 'p95',
    p95Long: 'p95 of the duration',
    runs: 'Runs',
    unresolved: 'Unresolved',
    pending: 'Pending now',
  },
  /** Of how many runs a figure is. */
  of: (count: number) => `n = ${number.format(count)}`,
  few: 'few runs',
  /** A figure as it is heard. */
  figure: (title: string, value: string, few: boolean) => `${title} ${value}${few ? ', few runs' : ''}`,
  failed: (count: number) => `${number.format(count)} failed`,
  ofFailed: (count: number) => `of ${number.format(count)} failed`,
  anHour: (count: string) => `${count} an hour`,
  oldest: (age: string) => `oldest ${age}`,
  percent: (value: string) => `${value} %`,
  less: (value: string) => `< ${value} %`,
  more: (value: string) => `> ${value} %`,
  points: (value: string) => `${value} points`,
  change: (sign: '▲' | '▼' | '=', value: string) => (sign === '=' ? 'no change' : `${sign} ${value}`),
  /** The change as it is heard. */
  changeSaid: (sign: '▲' | '▼' | '=', value: string) =>
    sign === '=' ? 'no change' : `${sign === '▲' ? 'up' : 'down'} by ${value}`,
  before: (value: string, count: number) => `before: ${value} (n = ${number.format(count)})`,
  beforeAlone: (value: string) => `before: ${value}`,
  nothingBefore: 'nothing before',
  runsBehind: (figure: string) => `${figure}: show the runs`,

  charts: {
    failures: 'Failures over time',
    durations: 'Duration p50 / p95',
    failed: 'Failed',
    runs: 'Runs',
    p50: 'p50',
    p95: 'p95',
    from: 'From',
    asTable: 'Show as table',
    tableHint: (zone: string) => `Times are of ${zone}; those without a run are left out. A time becomes the period; a number shows its runs.`,
    zone: (zone: string) => `Times of ${zone}`,
    hint: ' · drag to choose a period, click for the runs',
    cutHours: 'Hours of this zone begin within hours of UTC. Of deleted runs only the hour is known: they count where it begins.',
    choose: (from: string, to: string) => `${from}: make the time until ${to} the period`,
    runsOf: (what: string, start: string) => `${what} from ${start}: show the runs`,
    failuresAt: (at: string, failed: number, total: number) => `${at}: ${number.format(failed)} failed of ${n(total, 'run', 'runs')}`,
    durationsAt: (at: string, p50: string, p95: string) => `${at}: p50 ${p50}, p95 ${p95}`,
    noFailures: 'No failure in this time.',
    failuresSay: (total: number, most: number, at: string) =>
      `${n(total, 'failure', 'failures')}; most from ${at}: ${number.format(most)}.`,
    noDurations: 'No finished run in this time.',
    durationsSay: (p50: readonly [string, string], p95: readonly [string, string]) => `p50 ${between(p50)}, p95 ${between(p95)}.`,
  },

  errors: {
    title: 'Top errors',
    none: 'No failure in this time.',
    all: 'All errors',
    /** Behind their number. */
    runs: (count: number) => (count === 1 ? ' run: show it' : ' runs: show them'),
  },

  workflows: {
    title: 'By workflow',
    all: 'All workflows',
    columns: {
      workflow: 'Workflow', runs: 'Runs', failed: 'Failed', rate: 'Success rate', average: 'Average', p95: 'p95', trend: 'Trend',
    },
    failedOf: (workflow: string) => `${workflow}: show its failed runs`,
    runsOf: (workflow: string) => `${workflow}: show its runs`,
    only: (workflow: string) => `Only ${workflow}`,
    /** What sorting by a column brings to the top. */
    sort: { runs: 'Most runs first', failed: 'Most failures first', rate: 'Lowest success rate first', average: 'Longest average first', p95: 'Longest p95 first' },
    trend: (failed: number, total: number) => `${number.format(failed)} of ${n(total, 'run', 'runs')} failed, over time`,
  },
} as const
