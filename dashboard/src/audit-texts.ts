import { n } from './counts'

/** Every English word of the audit, loaded with its page. */

/** What each action did, as one says it behind a name. */
const did = {
  createToken: 'created a token', revokeToken: 'revoked a token', revealTrigger: 'revealed the trigger data of',
  retryExecution: 'retried', retryExecutions: 'retried many runs', saveAlertRule: 'saved an alert rule', deleteAlertRule: 'deleted an alert rule',
  renewAlertSecret: 'renewed the secret of an alert rule', mergeErrorGroups: 'merged error groups into', unmergeErrorGroup: 'took apart',
  splitErrorGroup: 'split', unsplitErrorGroup: 'brought together again', signIn: 'signed in', signOut: 'signed out', endSessions: 'ended sessions', signInLink: 'made a sign-in link',
  exportExecutions: 'exported a list of runs', exportLog: 'exported the log of', saveView: 'saved a view', deleteView: 'deleted a view',
  connectEngine: 'connected an engine', disconnectEngine: 'disconnected an engine', rotateEngineSecret: 'renewed the secret of an engine', testEngine: 'tested the way back to an engine', resolveExecutions: 'resolved runs',
  unresolveExecutions: 'took back a resolution', testAlertRule: 'sent a test of an alert rule', setErrorGroupState: 'changed the state of',
} as const

/** Those whose words need something behind them, without it. */
const alone = {
  revealTrigger: 'revealed trigger data', retryExecution: 'retried a run', mergeErrorGroups: 'merged error groups',
  unmergeErrorGroup: 'took an error group apart', splitErrorGroup: 'split an error group',
  unsplitErrorGroup: 'brought an error group together again', exportLog: 'exported a log', setErrorGroupState: 'changed the state of an error group',
} as const

export const auditTexts = {
  title: 'Audit',
  forbidden: 'Only administrators see the audit log.',
  forbiddenHint: 'It says who retried, revealed, changed and exported what.',
  columns: { at: 'When', actor: 'Who', what: 'What', subject: 'Of what', detail: 'Details' },
  /** In words; an action that this page does not know, by its name. */
  did: (action: string): string => (did as Record<string, string>)[action] ?? action,
  actions: did,
  /** What can be looked for: an action without what it was about. */
  deed: (action: string): string => ({ ...did, ...alone } as Record<string, string>)[action] ?? action,
  counted: {
    retryExecutions: (count: number) => `retried ${n(count, 'run', 'runs')}`,
    resolveExecutions: (count: number) => `resolved ${n(count, 'run', 'runs')}`,
    unresolveExecutions: (count: number) => `took back the resolution of ${n(count, 'run', 'runs')}`,
    endSessions: (count: number) => `ended ${n(count, 'session', 'sessions')}`,
  },
  /** An error group, by its new state; null: it has no mark any more. */
  marked: { RESOLVED: 'marked as resolved', MUTED: 'muted', null: 'reopened' },
  actor: 'Who',
  action: 'What',
  /** What narrows the log. */
  only: {
    actor: (name: string) => `Who: ${name}`,
    action: (did: string) => `What: ${did}`,
    subject: (id: string) => `About ${id}`,
  },
  madeRuns: 'the runs that it made',
  all: (subject: string) => `All about ${subject}`,
  details: 'Show',
  detailsOf: (what: string) => `Show details: ${what}`,
  none: 'Nothing is in the audit log yet.',
  noneMatches: 'Nothing in the audit log matches.',
  clear: 'Clear all',
  more: 'Show older',
} as const
