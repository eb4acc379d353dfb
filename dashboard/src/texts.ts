import { type Count, n, number } from './counts'
import { filterTexts, histogramTexts } from './filter-texts'
import { keyTexts } from './key-texts'
import { retryTexts } from './retry-texts'

/** Every English word of the page, by noun. Functions take what varies: nothing is put together elsewhere. */

export const texts = {
  product: 'Runwatch',
  until: (duration: string) => `in ${duration}`,
  ago: (count: number, unit: 'd' | 'h' | 'min' | 's') => `${count} ${unit} ago`,
  number: (value: number) => number.format(value),
  count: ({ value, kind }: Count) => `${number.format(value)}${kind === 'AT_LEAST' ? '+' : ''}`,
  runs: (count: number) => n(count, 'run', 'runs'),
  counted: ({ value, kind }: Count) =>
    kind === 'AT_LEAST' ? `${number.format(value)}+ runs` : n(value, 'run', 'runs'),

  frame: {
    skip: 'Skip to the content',
    main: 'Main',
    history: 'History',
    errors: 'Errors',
    open: { errors: 'open error groups, seen in the last 24 h', alerts: 'open alerts' },
    metrics: 'Metrics',
    workflows: 'Workflows',
    alerts: 'Alerts',
    engines: 'Engines',
    audit: 'Audit',
    more: 'More',
    graphiql: 'GraphiQL',
    docs: 'API guide',
    tokens: 'Tokens',
    sessions: 'Sessions',
    about: 'About this server',
    keys: 'Keyboard shortcuts',
    account: (name: string) => `Account: ${name}`,
    role: { ADMIN: 'Administrator', VIEWER: 'Viewer', RUNNER: 'Engine' },
    signOut: 'Sign out',
    theme: 'Theme',
    themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
    density: 'Rows',
    densities: { comfortable: 'Comfortable', compact: 'Compact' },
    zone: 'Time zone',
    zoneIs: (place: string) => `Time zone: ${place}`,
    otherZone: 'Another zone…',
    whichZone: 'City, or the name of a zone',
    browserZone: (zone: string) => `This browser’s (${zone})`,
    singleKeys: 'Single-key shortcuts',
    outdated: 'A new version of this page is ready.',
    reload: 'Reload',
    clockApart: (apart: string, behind: boolean) =>
      `This computer’s clock is ${apart} ${behind ? 'behind' : 'ahead of'} the server’s. Times here follow the server.`,
    nothingHere: 'There is no page at this address.',
    toHistory: 'All runs',
    messages: 'Messages',
  },

  /** Of a list of what the runs of a window come to. */
  listing: {
    asOf: (time: string) => `as of ${time}`,
    shown: (shown: number, total: string) => `${number.format(shown)} of ${total}`,
    more: 'Show more',
  },

  exports: {
    button: 'Export',
    stop: 'Stop the export',
    done: 'The file is saved.',
    failed: (why: string) => `The export failed: ${why}`,
  },

  connection: {
    connecting: 'Connecting…', live: 'Live', refreshed: 'Refreshed', reconnecting: 'Reconnecting',
    /** Behind it, where there is room. */
    attempts: (attempts: number) => `(${attempts})`,
    dataOf: (time: string) => `Data of ${time}`,
    paused: (held: number) => (held ? `Paused · ${n(held, 'change', 'changes')}` : 'Paused'),
    pause: 'Pause updates', resume: 'Resume updates',
  },

  error: {
    title: 'This part could not be loaded.',
    notDone: 'That did not work.',
    retry: 'Try again',
    code: (code: string) => `Code ${code}`,
    request: (id: string) => `Request ${id}`,
    requestId: 'the request id',
    offline: 'The server does not answer.',
    noNetwork: 'This computer is offline.',
    status: (status: number) => `The server answered ${status}.`,
    unexpected: 'Something unexpected happened.',
    forbidden: 'Your role may not see this.',
  },

  status: { PENDING: 'Pending', SUCCESS: 'Success', FAILURE: 'Failed', CANCELLED: 'Cancelled' },
  state: {
    QUEUED: 'Queued', RUNNING: 'Running', WAITING: 'Waiting', CONTACT_LOST: 'Contact lost', SUCCEEDED: 'Success',
    FAILED: 'Failed', TIMED_OUT: 'Timed out', CRASHED: 'Crashed', CANCELLED: 'Cancelled', SKIPPED: 'Skipped',
  },

  loading: 'Loading…',
  /** Where a value is not known, or there is none. */
  none: '–',

  filter: filterTexts,
  histogram: histogramTexts,

  history: {
    title: 'History',
    grid: 'Runs',
    columns: {
      status: 'Status', workflow: 'Workflow', happened: 'What happened', trigger: 'Trigger', queued: 'Queued',
      duration: 'Duration', engine: 'Engine', started: 'Started', finished: 'Finished', waited: 'Waited',
      externalId: 'External id', requestedBy: 'Asked for by', actions: 'Actions',
    },
    display: 'Display',
    columnsHeading: 'Columns',
    sortHeading: 'Sort by',
    follow: 'Show new runs by themselves',
    descending: '↓ Descending',
    ascending: '↑ Ascending',
    usualColumns: 'Usual columns',
    move: {
      [-1]: (column: string) => `Move ${column} to the left`,
      1: (column: string) => `Move ${column} to the right`,
    },
    menu: {
      of: (workflow: string) => `Menu of ${workflow}`,
      open: 'Open beside the list',
      openPage: 'Open as page',
      only: { workflow: 'Only this workflow', step: 'Only this step', trigger: 'Only this trigger', engine: 'Only this engine' },
      notWorkflow: 'Not this workflow',
      group: 'This error group',
      noGroup: 'Runwatch has no error group for this run.',
      copyLink: 'Copy link',
    },
    share: 'Copy link',
    copyView: 'This view, with its relative time',
    copyTimes: 'Exactly these times',
    copyColumns: 'This view, with its columns',
    openInGraphiql: 'Open in GraphiQL',
    unknown: (parameters: readonly string[]) => `This link has parameters that mean nothing here: ${parameters.join(', ')}`,
    forget: 'Dismiss',
    select: (workflow: string) => `Select ${workflow}`,
    selectAll: 'Select all loaded runs',
    selection: 'Selected runs',
    selected: (count: number) => `${number.format(count)} selected`,
    allSelected: (total: string | null) => (total === null ? 'All that match' : `All ${total} that match`),
    selectAllOf: (total: string | null) => (total === null ? 'Select all that match' : `Select all ${total} that match`),
    ids: 'ids of the selected runs',
    copyIds: 'Copy ids',
    resolveByHand: 'Resolve by hand…',
    clearSelection: 'Clear',
    gone: { unmatched: 'No longer matches the filter', deleted: 'Deleted' },
    resolved: 'Resolved',
    pending: {
      RUNNING: 'Running', WAITING: 'Waiting',
    } as Partial<Record<'RUNNING' | 'WAITING', string>>,
    lastHeard: { alone: 'Last heard', after: 'last heard' },
    step: (number_: number, count: number, name: string) => `Step ${number_} of ${Math.max(number_, count)} · ${name}`,
    due: 'Due',
    marks: {
      ASSUMED_UTC: 'The engine sent times without a zone; they are taken as UTC',
      CLOCK_AHEAD: 'The clock of its engine was ahead; times are those of receipt',
      STARTED_BEFORE_QUEUED: 'It started before it was queued, by clocks that disagree',
      FINISHED_BEFORE_STARTED: 'It finished before it started, by clocks that disagree',
    },
    queuedFor: (duration: string) => `Queued for ${duration}`,
    retry: (attempt: number, status: string, by: string | null) =>
      `${status === 'SUCCESS' ? `Resolves attempt ${attempt - 1}` : `Attempt ${attempt}`}${by ? ` · asked for by ${by}` : ''}`,
    sortedAsOf: (time: string) => `Sorted as of ${time}`,
    sortAgain: 'Sort again',
    newRuns: (count: number) => (count > 99 ? '99+ new runs' : n(count, 'new run', 'new runs')),
    shownOf: (shown: number, total: string | null) =>
      `${number.format(shown)} ${total === null ? '' : `of ${total} `}· more as you scroll`,
    shownAll: (shown: number) => `All ${n(shown, 'run', 'runs')} that match`,
    dropped: (count: number) => `${n(count, 'older run', 'older runs')} are loaded again as you scroll.`,
    nothingMatches: 'No run matches.',
    without: (filter: string) => `Without “${filter}”`,
    noRuns: 'No runs yet',
    sendFirst: 'Your engines report their runs as events. Send the first one:',
    language: 'Language',
    example: 'the example',
    waitingForFirst: 'Waiting for the first event …',
    firstIsHere: 'The first run is here.',
    whatNext: 'What to report next',
  },

  token: {
    engine: 'Your engine',
    make: 'Make a token',
    secret: 'the token',
    askAdmin: 'It needs a token of the role RUNNER, which an administrator makes.',
    shownOnce: (engine: string) => `A token that reports for ${engine}, and nothing else. It is shown once: copy it now.`,
  },

  retry: retryTexts,

  /** The rest of its words is in run-texts.ts. */
  execution: {
    copyId: 'Copy id',
    copyExternalId: 'Copy external id',
    copyCurl: 'Copy as cURL',
  },

  graphiql: {
    examples: 'Examples',
    curl: 'as cURL',
    mutation: 'This query came with a link and changes data. Read it before you run it.',
    read: 'I have read it',
  },

  signIn: {
    title: 'Sign in to Runwatch',
    ended: 'Your session has ended. Sign in to go on.',
    token: 'Token',
    signIn: 'Sign in',
    asking: 'Signing in…',
    instead: (offered: string, present: string) => `Sign in as ${offered} instead of ${present}?`,
    taken: (present: string) => `This browser is signed in as ${present}. Somebody may have sent you this link.`,
    stay: (present: string) => `Stay signed in as ${present}`,
    replace: (offered: string) => `Sign in as ${offered}`,
    ends: (time: string) => `Your sign-in ends at ${time}.`,
    renew: 'Stay signed in',
    renewed: 'You stay signed in.',
    tokenEnds: (time: string) => `Your sign-in ends at ${time}, when its token does. Sign in with another one.`,
    continueWith: (provider: string) => `Continue with ${provider}`,
    signOutOf: (provider: string) => `Sign out of ${provider} too`,
    orToken: 'or with a token:',
    providerRefusals: {
      denied: 'The provider says that you did not want to sign in, or may not.',
      expired: 'That sign-in took longer than 10 minutes, or began in another browser. Try again.',
      failed: 'What the provider answered could not be used. An administrator finds the reason in the log of the server.',
      role: 'The provider knows you, but gives you no role here. Ask whoever manages it for access to Runwatch.',
      unavailable: 'The provider does not answer. Try again in a moment, or sign in with a token.',
    },
    how: 'An administrator makes tokens with “runwatch token create”, and links that sign in with “runwatch sign-in-link”.',
    refusals: {
      wrong: 'Unknown or expired token.',
      spent: 'This link was used already, or is older than 10 minutes. Paste a token, or ask for a new link.',
      runner: 'This token is for an engine. People sign in with a token of the role VIEWER or ADMIN.',
      busy: 'Too many attempts. Wait a minute, then try again.',
      offline: 'The server does not answer. Try again in a moment.',
    },
  },

  keys: keyTexts,
  copy: { copy: 'Copy', copied: 'Copied', failed: 'Copying failed', of: (what: string) => `Copy ${what}` },
  palette: {
    title: 'Commands',
    label: 'Do or go to…',
    goTo: (page: string) => `Go to ${page}`,
    runsOf: (workflow: string) => `Runs of ${workflow}`,
    workflow: (workflow: string) => `Workflow ${workflow}`,
    view: (name: string) => `View ${name}`,
    run: (id: string) => `Open the run ${id}`,
  },
  dialog: { close: 'Close', cancel: 'Cancel' },
} as const
