import { n } from './counts'

/** Every English word of the dialog that exports a list, loaded with it. */
export const exportTexts = {
  title: 'Export runs',
  of: (selected: number | null) =>
    selected === null ? 'All that match, newest first, at most 1,000,000.' : `${n(selected, 'selected run', 'selected runs')}, newest first.`,
  format: 'Format',
  formats: { csv: 'CSV, for a spreadsheet', ndjson: 'NDJSON, a run a line' },
  columns: 'Columns',
  all: 'All',
  asInList: 'As in the list',
  move: {
    [-1]: (column: string) => `Move ${column} forward`,
    1: (column: string) => `Move ${column} back`,
  },
  /** Once it has been moved. */
  isAt: (column: string, place: number, of: number) => `${column} is ${place} of ${of}`,
  none: 'Choose at least one column.',
  submit: 'Export',
  column: {
    id: 'Id', externalId: 'External id', workflow: 'Workflow', engine: 'Engine', status: 'Status', state: 'State',
    triggerKind: 'Trigger', triggerLabel: 'Trigger label', queuedAt: 'Queued', startedAt: 'Started', finishedAt: 'Finished',
    durationMs: 'Duration', failedStep: 'Failed step', errorType: 'Error type', errorMessage: 'Error message',
    retryOf: 'Retry of', requestedBy: 'Asked for by',
  },
} as const
