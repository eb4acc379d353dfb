import { type JSX, useState } from 'react'
import { ask } from '../api/api'
import type { ResultOf } from '../api/graphql'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Bulk, BulkSkipped, type Plan } from './documents'

type Skipped = NonNullable<ResultOf<typeof BulkSkipped>['bulkRetry']>['skipped']

/** Of the list of skipped runs: a hundred say what the rest would. */
const MAX_SHOWN = 100

/** Whose runs they are. */
export function Workflows({ bulk }: { bulk: Bulk }): JSX.Element | null {
  if (!bulk.byWorkflow.length) return null
  return (
    <p className="dim sums">
      {texts.retry.byWorkflow}{' '}
      {bulk.byWorkflow.map(({ name, count }) => (
        <span key={name}>
          {name} <b className="numbers">{texts.number(count.value)}</b>
        </span>
      ))}
    </p>
  )
}

/** Which engines would get something to do, and how it reaches them. */
export function Engines({ of }: { of: Plan['byEngine'] }): JSX.Element | null {
  if (!of.length) return null
  return (
    <p className="dim sums">
      {texts.retry.byEngine}{' '}
      {of.map(({ engine, count }) => (
        <span key={engine.name}>
          {texts.retry.engine(engine.name, engine.kind)} <b className="numbers">{texts.number(count)}</b>
        </span>
      ))}
    </p>
  )
}

/** How many are left out, and why; the runs themselves when somebody asks. */
export function SkippedBy({ bulk, title }: { bulk: Bulk; title: string }): JSX.Element | null {
  const [skipped, setSkipped] = useState<Skipped | null>(null)
  if (!bulk.skippedCount) return null
  const load = (): void => {
    if (skipped) return
    ask(BulkSkipped, { id: bulk.id }).then(
      ({ bulkRetry }) => setSkipped(bulkRetry?.skipped ?? []),
      () => {}, // the sums are there; opened again, it asks again
    )
  }
  return (
    <details className="skipped" onToggle={(event) => event.currentTarget.open && load()}>
      <summary>
        <span aria-hidden="true">–</span> {title}{' '}
        <span className="dim sums">
          {bulk.skippedBy.map(({ reason, count }) => (
            <span key={reason}>
              {texts.retry.skipped[reason]} <b className="numbers">{texts.number(count)}</b>
            </span>
          ))}
        </span>
      </summary>
      {skipped ? (
        <ul>
          {skipped.slice(0, MAX_SHOWN).map(({ execution, reasons }) => (
            <li key={execution.id}>
              <a href={hrefs.execution(execution.id)}>{execution.workflowName}</a> <When at={execution.queuedAt} />{' '}
              <span className="dim">{reasons.map((reason) => texts.retry.skipped[reason]).join(', ')}</span>
            </li>
          ))}
          {skipped.length > MAX_SHOWN && <li className="dim">{texts.retry.moreSkipped(skipped.length - MAX_SHOWN)}</li>}
        </ul>
      ) : (
        <p role="status">{texts.retry.looking}</p>
      )}
    </details>
  )
}
