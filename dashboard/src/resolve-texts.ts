import { n } from './counts'

/** Every English word of resolving by hand, loaded with its dialog. */
export const resolveTexts = {
  title: 'Resolve by hand',
  hint: 'For failures that were mended outside Runwatch. They count as resolved; nothing else changes, and they can still be retried.',
  ofSelected: (count: number) => `${n(count, 'selected run', 'selected runs')}. Those that did not fail, or are resolved, stay as they are.`,
  ofFilter: 'All unresolved runs that match, as of now; those that fail later stay unresolved.',
  note: 'How was it mended?',
  noteHint: 'For those who look later.',
  go: 'Resolve',
  going: 'Resolving …',
  done: (count: number) => (count ? `Resolved ${n(count, 'run', 'runs')}.` : 'Nothing to resolve: none of them is an unresolved failure.'),
  skipped: (count: number) => `${n(count, 'run', 'runs')} stayed as they were.`,
  undo: 'Undo',
  undone: (count: number) => `Took it back: ${n(count, 'run is', 'runs are')} unresolved again.`,
  close: 'Close',
} as const
