import { useCallback, useState } from 'react'
import type { LiveLog } from '../live/live-log'
import type { LogLine } from '../live/log-documents'
import { announce } from '../parts/announce'
import { writeClipboard } from '../parts/copy'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { asText } from './as-text'

/** Longer is not copied: somebody should download it. */
const COPY_MS = 30_000

interface Marks {
  /** The marked lines, by place; the end is not among them. */
  span: readonly [number, number] | null
  mark: (line: LogLine, place: number, extend: boolean) => void
  unmark: () => void
  copyMarked: () => Promise<void>
}

/** Lines that one marks: one, which copies its link, or a span, which can be copied as text. */
export function useMarks({
  log,
  executionId,
  marked,
  onMark,
}: {
  log: LiveLog
  executionId: string
  marked: string | null
  onMark: (line: string | null) => void
}): Marks {
  const [ends, setEnds] = useState<readonly [number, number] | null>(null)
  const span = ends && ([Math.min(...ends), Math.max(...ends) + 1] as const)
  const mark = useCallback(
    (line: LogLine, place: number, extend: boolean): void => {
      if (extend) {
        setEnds((before) => [before?.[0] ?? (marked === null ? place : (log.placeOf(marked) ?? place)), place])
        return
      }
      setEnds([place, place])
      onMark(line.id)
      void writeClipboard(`${location.origin}${hrefs.execution(executionId)}?line=${encodeURIComponent(line.id)}`).then((done) =>
        announce(done ? runTexts.log.lineCopied : texts.copy.failed),
      )
    },
    [executionId, log, marked, onMark],
  )
  return {
    span,
    mark,
    unmark() {
      setEnds(null)
      onMark(null)
    },
    async copyMarked() {
      if (!span) return
      const lines: string[] = []
      for await (const page of log.read(...span, AbortSignal.timeout(COPY_MS))) lines.push(...page.map(asText))
      announce((await writeClipboard(lines.join('\n'))) ? runTexts.log.copiedLines(lines.length) : texts.copy.failed)
    },
  }
}
