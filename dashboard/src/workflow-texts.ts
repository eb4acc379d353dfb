import { n, number } from './counts'

/** Every English word of the pages of workflows, loaded with them. */
export const workflowTexts = {
  title: 'Workflows',
  crumbs: 'Where this workflow is',
  search: 'Search by name',
  count: (count: string) => (count === '1' ? '1 workflow' : `${count} workflows`),
  columns: {
    workflow: 'Workflow', last: 'Last run', recent: 'Last 20 runs', runs: 'Runs', failed: 'Failed', rate: 'Success rate', p95: 'p95', row: 'Failed in a row',
    trend: 'Trend',
  },
  never: 'No run is kept',
  /** Failures in a row. */
  inARow: (count: number) => `${n(count, 'failure', 'failures')} in a row`,
  overdue: 'Overdue',
  /** A run is expected within so long. */
  within: (time: string) => `a run was expected within ${time}`,
  recentOf: (workflow: string) => `The newest runs of ${workflow}, the oldest first`,
  /** A bar as it is heard. */
  run: (state: string, duration: string, age: string) => `${state}, ${duration}, ${age}`,
  runsOf: (workflow: string, figure: string) => `${workflow}: ${figure}. Show the runs`,
  failuresOf: (workflow: string) => `Show the failed runs of ${workflow}`,
  none: 'No workflow has run yet.',
  noneHint: 'A workflow is here as soon as its first event has come.',
  noneMatches: 'No workflow matches.',
  clear: 'Clear search and filters',
  unknown: 'There is no such workflow.',
  unknownHint: 'It may have been deleted with its runs.',
  toWorkflows: 'All workflows',
  runs: 'Its runs',
  itsRuns: 'Runs',
  triggeredBy: (kind: string, count: string) => `${kind} ${count}: show the runs`,
  rules: 'Alert rules',
  addRule: 'Add a rule',
  noRules: 'No rule names this workflow.',
  rulesOfAll: (count: number) =>
    count === 0 ? 'No rule watches every workflow.' : count === 1 ? 'One rule watches every workflow.' : `${number.format(count)} rules watch every workflow.`,
  facts: 'Facts',
  fact: { engine: 'Engine', last: 'Last run', row: 'Failed in a row', gap: 'Next run', triggers: 'Triggers' },
  noFailures: 'None: the last finished run did not fail.',
  gap: (time: string) => `Expected within ${time} of the last one`,
  noGap: 'Nobody can tell: there are too few runs, or all came at once.',
} as const
