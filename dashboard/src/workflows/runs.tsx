import { type JSX, useMemo } from 'react'
import { useLocation } from 'wouter'
import type { Count } from '../counts'
import { type Choice, NOTHING, writeChoice } from '../filter/filter'
import type { Column } from '../history/columns'
import { Runs } from '../history/runs'
import { useList } from '../history/use-list'
import { useAgain } from '../parts/use-again'
import { workflowTexts } from '../workflow-texts'
import type { Workflow } from './documents'

const COLUMNS: readonly Column[] = ['status', 'happened', 'trigger', 'queued', 'duration']

/** The runs of a workflow, as History has them; what narrows or sorts them leads there. */
export function WorkflowRuns({ workflow: { name, engine }, total }: { workflow: Workflow; total: Count | null }): JSX.Element {
  const [, go] = useLocation()
  const choice = useMemo((): Choice => ({ ...NOTHING, workflow: [name], engine: [engine.name] }), [name, engine.name])
  const listed = useList(choice)
  const again = (): void => void listed.list.reveal()
  useAgain(listed.list.error !== null, again)
  return (
    <section className="runs-part" aria-labelledby="workflow-runs">
      <Runs
        listed={listed}
        choice={choice}
        change={(part) => go(`/history?${writeChoice({ ...choice, ...part })}`)}
        run={null}
        open={(run) => go(`/executions/${run}`)}
        columns={COLUMNS}
        total={total}
        follow={false}
        again={again}
        empty={<p className="empty">{workflowTexts.never}</p>}
      >
        <h2 id="workflow-runs">{workflowTexts.itsRuns}</h2>
      </Runs>
    </section>
  )
}
