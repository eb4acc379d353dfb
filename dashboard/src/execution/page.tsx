import { type JSX, useEffect } from 'react'
import { useLocation } from 'wouter'
import { useUrlView } from '../log/view'
import { toast } from '../parts/announce'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { useUrlCompared } from './compared'
import { Detail } from './detail'
import { useRun } from './use-run'

const SIGNS = { FAILURE: '✕', SUCCESS: '✓', PENDING: '◷', CANCELLED: '▬' }

/** A run as a page of its own: the same as the sheet, without the list, and with room for two columns. */
export function ExecutionPage({ id }: { id: string }): JSX.Element {
  const [, go] = useLocation()
  const state = useRun(id)
  const view = useUrlView()
  const [compared, onCompare] = useUrlCompared()
  const run = state.kind === 'shown' ? state.run : null
  const missing = state.kind === 'missing'
  useEffect(() => {
    if (missing) document.title = `${runTexts.execution.unknownRun} · ${texts.product}`
    else if (run) document.title = `${SIGNS[run.status]} ${run.workflowName} · ${texts.product}`
  }, [run, missing])
  // The level of the log stays when one goes on to another run.
  const open = (other: string): void => go(`/executions/${encodeURIComponent(other)}${view.kept}`)
  return (
    <div className="execution-page">
      <nav className="crumbs" aria-label={runTexts.execution.crumbs}>
        <a href={hrefs.history()}>{texts.history.title}</a>
        {(run || missing) && <span aria-hidden="true">/</span>}
        {run && <a href={hrefs.history(new URLSearchParams({ workflow: run.workflowName }))}>{run.workflowName}</a>}
        {missing && <span className="dim">{runTexts.execution.unknownRun}</span>}
      </nav>
      <Detail
        id={id}
        state={state}
        log={view}
        compared={compared}
        onCompare={onCompare}
        onOpen={open}
        onRetried={(made) => {
          toast(texts.retry.queued(made.attempt))
          open(made.id)
        }}
      />
    </div>
  )
}
