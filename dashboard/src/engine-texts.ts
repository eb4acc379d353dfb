import { n } from './counts'

/** Every English word of the pages of engines, loaded with them. */

export const engineTexts = {
  title: 'Engines',
  crumbs: 'Where this engine is',
  columns: { engine: 'Engine', retries: 'Retries', seen: 'Last seen', clients: 'Clients', issues: 'Issues' },
  none: 'No engine has reported anything yet.',
  noneHint: 'An engine is here as soon as its first event has come.',
  unknown: 'No engine has this name.',
  toEngines: 'All engines',
  retries: { WEBHOOK: 'By webhook', CELERY: 'Through its Celery workers', NONE: 'Not connected' },
  obstacles: {
    NOT_CONNECTED: 'It cannot retry: no webhook or broker is configured. Connect it with “runwatch engine”.',
    WORKERS_NOT_READY:
      'It cannot retry: none of its Celery workers has said that it runs a retry once. They need runwatch-client with its hook.',
  },
  cannot: { NOT_CONNECTED: 'Not connected', WORKERS_NOT_READY: 'Workers not ready' },
  never: 'Never, but by imports',
  facts: 'Facts',
  fact: { retries: 'Retries', seen: 'Last seen', clock: 'Its clock', clients: 'Clients' },
  ahead: (duration: string) => `${duration} ahead: its times are shown as when they arrived`,
  noClients: 'None has said what it is.',
  runs: 'Its runs',
  connect: 'How engines take retries',

  issues: 'Rejected and corrected events',
  issueCount: (count: number) => n(count, 'issue', 'issues'),
  noIssues: 'Nothing of its events was rejected or corrected.',
  issue: { last: 'Last', what: 'What became of them', events: 'Events', newest: 'The newest', run: 'Run' },
  kinds: { REJECTED: 'Rejected', CLOCK_AHEAD: 'Clock ahead', ASSUMED_UTC: 'No time zone' },
  means: {
    REJECTED: 'not stored', CLOCK_AHEAD: 'times are shown as their receipt', ASSUMED_UTC: 'times are taken as UTC',
  },
  since: 'first',
  unread: 'could not be read',
  run: (externalId: string) => `Runs with the id ${externalId}`,
  eventId: 'the id of the event',
  more: 'Show older',
  keptOf: 'Runwatch keeps the 200 issues of an engine that were seen last.',
} as const
