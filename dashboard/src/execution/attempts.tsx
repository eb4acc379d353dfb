import type { JSX } from 'react'
import { StatusIcon } from '../parts/status'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Run } from './documents'
import { PartTitle } from './part-title'

/** The line of retries around a run: its original, what it retries, itself, and its retries, each a link. */
export function Attempts({ run, onOpen }: { run: Run; onOpen: (id: string) => void }): JSX.Element | null {
  const before = [run.rootExecution, ...(run.retryOf && run.retryOf.id !== run.rootExecution.id ? [run.retryOf] : [])]
  const all = [...before.filter(({ id }) => id !== run.id), run, ...run.retries]
  if (all.length < 2) return null
  return (
    <section className="part" aria-labelledby="part-attempts">
      <header>
        <PartTitle id="part-attempts">{texts.execution.attempts}</PartTitle>
      </header>
      <ol className="attempts">
        {all.map((each) => (
          <li key={each.id} aria-current={each.id === run.id ? 'true' : undefined}>
            <StatusIcon status={each.status} state={each.state} />
            {each.id === run.id ? (
              <b>{texts.execution.attemptNumber(each.attempt)}</b>
            ) : (
              <a
                href={hrefs.execution(each.id)}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey) return
                  event.preventDefault()
                  onOpen(each.id)
                }}
              >
                {texts.execution.attemptNumber(each.attempt)}
              </a>
            )}
            <span>{texts.state[each.state]}</span>
            <When at={each.queuedAt} />
            {each.requestedBy !== null && <span className="dim">{texts.execution.askedBy(each.requestedBy)}</span>}
          </li>
        ))}
      </ol>
    </section>
  )
}
