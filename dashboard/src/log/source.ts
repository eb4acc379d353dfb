import { ask } from '../api/api'
import { follow } from '../api/follow'
import type { LevelCounts, LogSource } from '../live/live-log'
import { LogAppended, type LogLine, LogMatches, type LogMatch, LogPage, LogWindow } from '../live/log-documents'
import { type LogChoice, LEVELS } from './view'

/** What a list of lines is made by; the id of the step, not its index. */
export type Wanted = Pick<LogChoice, 'level'> & { step: string | null; search: string }

/** What of a log is wanted, as the API takes it. */
export const filterOf = ({ level, step, search }: Wanted) => ({
  minLevel: level === 'TRACE' ? null : level,
  stepId: step,
  search: search || null,
})

/** The API as the source of a log. */
export function sourceOf(id: string, wanted: Wanted): LogSource {
  const { level, step, search } = wanted
  const lowered = search.toLowerCase()
  const counts: LogSource['counts'] = (line) => (step === null || line.step?.id === step) && line.message.toLowerCase().includes(lowered)
  const levels = LEVELS.slice(LEVELS.indexOf(level))
  return {
    levels,
    whole: level === 'TRACE' && step === null && search === '',
    async page(where, size, counted, signal) {
      const window = 'skip' in where ? { skip: where.skip, first: size } : 'around' in where ? { around: where.around, size } : { last: size }
      // Numbers in attributes are shown as they were sent.
      const { executionLogs } = await ask(LogWindow, { id, ...window, ...filterOf(wanted), counts: counted }, { signal, exact: true })
      const found = executionLogs?.levels
      return {
        lines: executionLogs?.nodes ?? [],
        offset: executionLogs?.offset ?? null,
        counts: found ? (Object.fromEntries(found.map((each) => [each.level, each.count.value])) as LevelCounts) : null,
        atLeast: found?.some(({ count }) => count.kind === 'AT_LEAST') ?? false,
        updatesCursor: executionLogs?.updatesCursor ?? '',
      }
    },
    follow: (cursor, next) =>
      follow(
        LogAppended,
        () => ({ id, after: cursor() || null }),
        ({ executionLogAppended: { cursor: at, entries, entry } }) => next(at, entry === null ? null : entries),
      ),
    counts,
    shows: (line) => levels.includes(line.level) && counts(line),
  }
}

/** Where a text occurs among the lines of a level and a step: at most 1,000 places. */
export async function matchesOf(id: string, wanted: Wanted, search: string, signal: AbortSignal): Promise<readonly LogMatch[]> {
  const { minLevel, stepId } = filterOf(wanted)
  const { executionLogs } = await ask(LogMatches, { id, minLevel, stepId, search }, { signal })
  return executionLogs?.matches ?? []
}

/** The first error line after a line, or of the log; null: there is none. */
export async function errorAfter(id: string, wanted: Wanted, line: LogLine | null): Promise<LogLine | null> {
  const minLevel = wanted.level === 'FATAL' ? ('FATAL' as const) : ('ERROR' as const)
  const where = line === null ? { first: 1 } : { around: line.id }
  const { executionLogs } = await ask(LogPage, { id, ...where, minLevel, stepId: wanted.step })
  const lines = executionLogs?.nodes ?? []
  if (line === null) return lines[0] ?? null
  const at = lines.findIndex((each) => each.id === line.id)
  if (at >= 0) return lines[at + 1] ?? null
  return lines.find((each) => each.at > line.at) ?? null
}
