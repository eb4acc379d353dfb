import { n, number, tenths } from './counts'

const inDays = (days: number): string => n(days, 'day', 'days')

/** Every English word of the page about the server, loaded with it. */
export const aboutTexts = {
  title: 'About',
  server: 'Server',
  fact: {
    version: 'Version', build: 'Page build', kept: 'Keeps runs', others: 'And', deletes: 'Deletes', clock: 'Clock', health: 'Health',
    who: 'Signed in as', ends: 'Sign-in ends',
  },
  runs: {
    days: (days: number) => `for ${inDays(days)}`,
    failureDays: (days: number) => `failed ones for ${inDays(days)}`,
    executions: (count: number) => `the newest ${number.format(count)}`,
    bytes: (bytes: number) => `while the database has at most ${tenths(bytes / 2 ** 30)} GiB`,
  },
  others: {
    figures: (days: number) => `figures of deleted runs for ${inDays(days)}`,
    groups: (days: number) => `counts of their errors for ${inDays(days)}`,
    alerts: (days: number) => `alerts for ${inDays(days)}`,
    audit: (days: number) => `the audit log for ${inDays(days)}`,
    workflows: (days: number) => `workflows without runs for ${inDays(days)}`,
  },
  byItself: 'by itself',
  byPrune: 'nothing by itself; “runwatch prune” does',
  forEver: 'until somebody deletes them',
  noPage: 'It serves none.',
  ready: 'It can do its work.',
  notReady: 'It cannot do its work:',
  silent: 'It did not answer.',
  notByItself: 'somebody ends it',
  guides: 'Guides',
  api: 'Writing a client of the API',
  events: 'Reporting events, and taking retries',
} as const
