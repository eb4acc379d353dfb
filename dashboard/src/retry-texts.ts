import { MAX_COUNT, n, number } from './counts'

/** Every English word of retries, of one run and of many. */

export const retryTexts = {
  retry: 'Retry',
  bulk: 'Retry…',
  see: 'See',
  connect: 'How engines take retries',
  queued: (attempt: number) => `Attempt ${attempt} is queued. This cannot be undone.`,
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
  willRetry: (count: number) =>
    count === 1 ? '1 run will be retried, with its own trigger data.' : `${n(count, 'run', 'runs')} will be retried, each with its own trigger data.`,
  willNot: (count: number) => `${n(count, 'run', 'runs')} will not:`,
  wereNot: (count: number) => `${n(count, 'run', 'runs')} left out:`,
  moreSkipped: (count: number) => `and ${number.format(count)} more`,
  skipped: {
    NOT_FINISHED: 'still running', NOT_FAILED: 'did not fail', ENGINE_CANNOT_RETRY: 'engine cannot be reached',
    TRIGGER_DATA_INCOMPLETE: 'trigger data incomplete', RETRY_IN_PROGRESS: 'a retry is running',
    ALREADY_RESOLVED: 'already resolved', SUPERSEDED: 'a later attempt exists', FORBIDDEN: 'not allowed',
  },
  byWorkflow: 'By workflow:',
  byEngine: 'By engine:',
  engine: (name: string, kind: 'WEBHOOK' | 'CELERY' | 'NONE') =>
    kind === 'NONE' ? name : `${name} (${kind === 'WEBHOOK' ? 'webhook' : 'Celery'})`,
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
} as const
