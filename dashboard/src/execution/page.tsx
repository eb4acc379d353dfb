import { type JSX, useEffect } from 'react'
import { useLocation } from 'wouter'
import { toast } from '../parts/announce'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { Detail } from './detail'
import { useRun } from './use-run'

/** A run as a page of its own: the same as the sheet, without the list. */
export function ExecutionPage({ id }: { id: string }): JSX.Element {
  const [, go] = useLocation()
  const state = useRun(id)
  const run = state.kind === 'shown' ? state.run : null
  useEffect(() => {
    if (!run) return
    const sign = { FAILURE: '✕', SUCCESS: '✓', PENDING: '◷', CANCELLED: '▬' }[run.status]
    document.title = `${sign} ${run.workflowName} · ${texts.product}`
  }, [run])
  return (
    <div className="execution-page">
      <p className="crumbs">
        <a href={hrefs.history()}>{texts.history.title}</a> <span aria-hidden="true">/</span>{' '}
        {run && (
          <a href={hrefs.history(new URLSearchParams({ workflow: run.workflowName }))}>{run.workflowName}</a>
        )}
      </p>
      <Detail
        id={id}
        state={state}
        onOpen={(other) => go(`/executions/${encodeURIComponent(other)}`)}
        onRetried={(made) => {
          toast(texts.retry.queued(made.attempt))
          go(`/executions/${encodeURIComponent(made.id)}`)
        }}
      />
    </div>
  )
}
