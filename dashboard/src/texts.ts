import { LOCALE } from './locale'

/** Every English word of the page, by noun. Functions take what varies: nothing is put together elsewhere. */

const number = new Intl.NumberFormat(LOCALE)
const plural = new Intl.PluralRules(LOCALE)

export const n = (count: number, one: string, other: string): string =>
  `${number.format(count)} ${plural.select(count) === 'one' ? one : other}`

/** Where the server stops counting. */
const MAX_COUNT = 10_000

export interface Count {
  value: number
  kind: 'EXACT' | 'AT_LEAST'
}

export const texts = {
  product: 'Runwatch',
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
    graphiql: 'GraphiQL',
    docs: 'API guide',
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
    browserZone: (zone: string) => `This browser’s (${zone})`,
    singleKeys: 'Single-key shortcuts',
    outdated: 'A new version of this page is ready.',
    reload: 'Reload',
    clockApart: (apart: string, behind: boolean) =>
      `This computer’s clock is ${apart} ${behind ? 'behind' : 'ahead of'} the server’s. Times here follow the server.`,
    nothingHere: 'There is no page at this address.',
  },

  connection: {
    connecting: 'Connecting…',
    live: 'Live',
    reconnecting: (attempts: number, since: string) => `Reconnecting (${attempts}) · data of ${since}`,
    paused: (held: number) => (held ? `Paused · ${n(held, 'change', 'changes')}` : 'Paused'),
    pause: 'Pause updates',
    resume: 'Resume updates',
    refreshed: 'Refreshed',
    signedOut: 'Signed out',
  },

  error: {
    title: 'This part could not be loaded.',
    retry: 'Try again',
    code: (code: string) => `Code ${code}`,
    request: (id: string) => `Request ${id}`,
    offline: 'The server does not answer.',
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

  filter: {
    search: 'Search workflow, id, error message',
    searchHint: 'Finds runs whose workflow name, external id or error message contains the text.',
    short: 'Type one more character.',
    status: 'Status',
    unresolved: 'Unresolved',
    active: 'Active filters',
    add: 'Filter',
    clear: 'Clear all',
    none: 'Nothing matches.',
    unknown: '?',
    uncounted: (why: string) => `Not counted: ${why}`,
    by: 'Filter by',
    all: 'Filters',
    chosen: 'chosen:',
    not: (field: string) => `Not: ${field}`,
    excludeHint: '⏎ adds · Alt ⏎ or “not …” excludes',
    show: (count: string | null) => (count === null ? 'Show runs' : count === '1' ? 'Show 1 run' : `Show ${count} runs`),
    remove: (filter: string) => `Remove filter: ${filter}`,
    durationHint: 'A duration, such as 500ms, 2s or 5m.',
    fields: {
      workflow: 'Workflow', state: 'State', engine: 'Engine', trigger: 'Trigger', step: 'Failed step',
      group: 'Error group', range: 'Queued within', min: 'Took at least', max: 'Took at most',
    },
    ranges: {
      '1h': 'Last hour', '6h': 'Last 6 hours', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days',
    },
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
  },

  histogram: {
    title: 'Runs over time',
    says: (total: number, failed: number, from: string, to: string) =>
      `${n(total, 'run', 'runs')}, ${number.format(failed)} failed, from ${from} to ${to}.`,
    bar: (start: string, total: number, failed: number) =>
      `${start}: ${n(total, 'run', 'runs')}, ${number.format(failed)} failed`,
    caption: (total: number, atLeast: boolean) =>
      atLeast ? `${number.format(total)}+ runs` : n(total, 'run', 'runs'),
    drag: 'drag to choose a time',
    widen: 'Show all',
  },

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
    clearSelection: 'Clear',
    gone: { unmatched: 'No longer matches the filter', deleted: 'Deleted' },
    resolved: 'Resolved',
    pending: {
      RUNNING: 'Running', WAITING: 'Waiting', CONTACT_LOST: 'No event for too long',
    } as Partial<Record<'RUNNING' | 'WAITING' | 'CONTACT_LOST', string>>,
    step: (number_: number, count: number, name: string) => `Step ${number_} of ${Math.max(number_, count)} · ${name}`,
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
  },

  token: {
    engine: 'Your engine',
    make: 'Make a token',
    secret: 'the token',
    askAdmin: 'It needs a token of the role RUNNER, which an administrator makes.',
    shownOnce: (engine: string) => `A token that reports for ${engine}, and nothing else. It is shown once: copy it now.`,
  },

  retry: {
    retry: 'Retry',
    bulk: 'Retry…',
    see: 'See',
    queued: (attempt: number) => `Attempt ${attempt} is queued.`,
    /** What a press would do, in the tooltip. */
    will: (engine: string) => `Sends the original trigger data to ${engine} again, as a new run.`,
    already: (attempt: number) => `Attempt ${attempt} runs already.`,
    asking: 'Asking…',
    lost: 'The answer was lost. Press again: it is the same retry.',
    reasons: {
      NOT_FINISHED: 'It is still running.',
      NOT_FAILED: 'It did not fail.',
      ENGINE_CANNOT_RETRY: 'Its engine cannot be reached. Connect it with “runwatch engine”.',
      TRIGGER_DATA_INCOMPLETE: 'Its trigger data was not kept whole.',
      RETRY_IN_PROGRESS: 'A retry of it is running.',
      ALREADY_RESOLVED: 'A retry of it succeeded.',
      SUPERSEDED: 'Retry its latest attempt instead.',
      FORBIDDEN: 'Viewers cannot retry.',
    },
    /** The same, where it is known which attempt is meant. */
    reasonsOf: {
      RETRY_IN_PROGRESS: (attempt: number) => `Attempt ${attempt} is running.`,
      ALREADY_RESOLVED: (attempt: number) => `Attempt ${attempt} succeeded.`,
      SUPERSEDED: (attempt: number) => `Retry attempt ${attempt} instead.`,
    },
    title: 'Retry failed runs',
    looking: 'Looking at what would be retried…',
    looked: (seen: number, matched: number) =>
      matched > seen
        ? `Looked at the newest ${number.format(seen)} of ${number.format(matched)}${matched >= MAX_COUNT ? '+' : ''} runs.`
        : `Looked at ${n(seen, 'run', 'runs')}.`,
    asOf: (time: string) => `As of ${time}; what comes later stays out.`,
    willRetry: (count: number) => `${n(count, 'run', 'runs')} will be retried, each with its own trigger data.`,
    willNot: (count: number) => `${n(count, 'run', 'runs')} will not:`,
    wereNot: (count: number) => `${n(count, 'run', 'runs')} left out:`,
    moreSkipped: (count: number) => `and ${number.format(count)} more`,
    skipped: {
      NOT_FINISHED: 'still running', NOT_FAILED: 'did not fail', ENGINE_CANNOT_RETRY: 'engine cannot be reached',
      TRIGGER_DATA_INCOMPLETE: 'trigger data incomplete', RETRY_IN_PROGRESS: 'a retry is running',
      ALREADY_RESOLVED: 'already resolved', SUPERSEDED: 'a later attempt exists', FORBIDDEN: 'not allowed',
    },
    byWorkflow: 'By workflow:',
    limit: 'At most',
    typeToConfirm: (count: number) => `Type ${count} to confirm`,
    go: (count: number) => `Retry ${number.format(count)}`,
    nothing: 'Nothing here can be retried.',
    done: (count: number) => `${n(count, 'run', 'runs')} retried.`,
    left: (count: number) => `${n(count, 'run', 'runs')} left over.`,
    found: (count: number) => `${n(count, 'retry', 'retries')} ran already.`,
    goOn: (count: number) => `Go on with ${number.format(count)}`,
    stop: 'Stop after this batch',
    stopping: 'Stopping…',
    result: 'Bulk retry',
    closeResult: 'Close the bulk retry',
    by: (name: string) => `asked for by ${name}`,
    reading: 'Reading the bulk retry…',
    progressName: 'Runs looked at',
    missing: 'This bulk retry is no longer kept: Runwatch keeps them for 30 days.',
    notStarted: 'Nobody has confirmed it yet.',
    progress: (done: number, of: number) => `${number.format(done)} of ${number.format(of)}`,
  },

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
    how: 'An administrator makes tokens with “runwatch token create”, and links that sign in with “runwatch sign-in-link”.',
    refusals: {
      wrong: 'Unknown or expired token.',
      spent: 'This link was used already, or is older than 10 minutes. Paste a token, or ask for a new link.',
      runner: 'This token is for an engine. People sign in with a token of the role VIEWER or ADMIN.',
      busy: 'Too many attempts. Wait a minute, then try again.',
      offline: 'The server does not answer. Try again in a moment.',
    },
  },

  /** In the order in which the list of keys has them. */
  keys: {
    j: 'Next run (also ↓)',
    k: 'Previous run (also ↑)',
    Enter: 'Open the run beside the list',
    o: 'Open the run as a page',
    m: 'Menu of the run: narrow the list, copy',
    x: 'Select the run',
    'Shift ArrowDown': 'Extend the selection down',
    'Shift ArrowUp': 'Extend the selection up',
    r: 'Retry the run',
    R: 'Retry the selected runs, or all that match',
    y: 'Copy the id of the run',
    Y: 'Copy a cURL command for the run',
    '[': 'Previous run of the workflow',
    ']': 'Next run of the workflow',
    e: 'Next failed step of the run, then the error lines of its log',
    w: 'Wrap long log lines, or not',
    '/': 'Search',
    f: 'Add a filter',
    '.': 'Show new runs, or sort again',
    p: 'Pause updates, or go on',
    c: 'Copy the link of this view',
    Escape: 'Close, then clear the search, then the selection',
    'g h': 'Go to History',
    '?': 'This list',
  },

  copy: { copy: 'Copy', copied: 'Copied', failed: 'Copying failed', of: (what: string) => `Copy ${what}` },
  dialog: { close: 'Close', cancel: 'Cancel' },
} as const
