import { type JSX, useEffect, useState } from 'react'
import { ApiError, ask } from '../api/api'
import { type LogLine, LogPage } from '../live/log-documents'
import { LineText } from '../log/line-text'
import { ErrorBox } from '../parts/error-box'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import type { Step } from './documents'

/** So many lines of a step stand in the step itself. */
const LINES = 8

/** The last lines that a step wrote. */
export function StepLog({ executionId, step, onShow }: { executionId: string; step: Step; onShow: () => void }): JSX.Element {
  const [lines, setLines] = useState<readonly LogLine[] | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [round, setRound] = useState(0)
  useEffect(() => {
    const asking = new AbortController()
    ask(LogPage, { id: executionId, last: LINES, stepId: step.id }, { signal: asking.signal }).then(
      ({ executionLogs }) => {
        setLines(executionLogs?.nodes ?? [])
        setError(null)
      },
      (reason: unknown) => {
        if (!asking.signal.aborted) setError(reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED'))
      },
    )
    return () => asking.abort()
    // A step that goes on, or ends, has new lines.
  }, [executionId, step.id, step.state, round])
  if (error) return <ErrorBox error={error} retry={() => setRound(round + 1)} />
  if (lines === null) return <p className="dim">{texts.loading}</p>
  if (!lines.length) return <p className="dim">{runTexts.execution.noStepLog}</p>
  return (
    <div className="step-log">
      <div className="step-log-head">
        <b>{runTexts.execution.stepLog}</b>
        <button type="button" className="link" onClick={onShow}>
          {runTexts.execution.inLog}
        </button>
      </div>
      <ol className="mono">
        {lines.map((line) => (
          <li key={line.id} className={line.level}>
            <span className="level">{runTexts.log.levels[line.level]}</span> <LineText line={line} />
          </li>
        ))}
      </ol>
    </div>
  )
}
