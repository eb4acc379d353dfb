import { n, number } from './counts'

/** Every English word of the pages of workflows, loaded with them. */
export const workflowTexts = {
  title: 'Workflows',
  crumbs: 'Where this workflow is',
  search: 'Search by name',
  count: (count: string) => `${count} workflows`,
  columns: {
    workflow: 'Workflow', last: 'Last run', recent: 'Last 20 runs', runs: 'Runs', failed: 'Failed', rate: 'Success rate', p95: 'p95', row: 'In a row',
    trend: 'Trend',
  },
  never: 'No run is kept',
  /** Failures in a row. */
  inARow: (count: number) => `${n(count, 'failure', 'failures')} in a row`,
  overdue: 'Overdue',
  usually: (gap: string) => `usually each ${gap}`,
  recentOf: (workflow: string) => `The newest runs of ${workflow}, the oldest first`,
  /** A bar as it is heard. */
  run: (state: string, duration: string, age: string) => `${state}, ${duration}, ${age}`,
  runsOf: (workflow: string, figure: string) => `${workflow}: ${figure}. Show the runs`,
  failuresOf: (workflow: string) => `Show the failed runs of ${workflow}`,
  more: 'Show more',
  none: 'No workflow has run yet.',
  noneHint: 'A workflow is here as soon as its first event has come.',
  noneMatches: 'No workflow matches.',
  clear: 'Clear search and filters',
  unknown: 'There is no such workflow.',
  unknownHint: 'It may have been deleted with its runs.',
  toWorkflows: 'All workflows',
  runs: 'Its runs',
  facts: 'Facts',
  fact: { engine: 'Engine', last: 'Last run', row: 'In a row', gap: 'Usually', },
  noFailures: 'It did not fail last.',
  gap: (gap: string) => `each ${gap}`,
  noGap: 'It has run too seldom to tell.',
  points: (by: string) => `${by} against the time before`,
  shown: (shown: number, total: number) => `${number.format(shown)} of ${number.format(total)}`,
} as const
