import type { JSX } from 'react'
import { StatusIcon } from '../parts/status'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { duration } from '../time/time'
import type { Attempt } from './documents'

/** The line of retries of a run: its original, and all that came of it, each a link; the present one marked. */
export function Attempts({ id, attempts, onOpen }: { id: string; attempts: readonly Attempt[]; onOpen: (id: string) => void }): JSX.Element {
  return (
    <ol className="attempts">
      {attempts.map((each) => (
        <li key={each.id} aria-current={each.id === id ? 'true' : undefined}>
          <StatusIcon status={each.status} state={each.state} />
          <span className="which">
            <span>
              {each.id === id ? (
                <b>{runTexts.execution.attemptNumber(each.attempt)}</b>
              ) : (
                <a
                  href={hrefs.execution(each.id)}
                  onClick={(event) => {
                    if (event.metaKey || event.ctrlKey || event.shiftKey) return
                    event.preventDefault()
                    onOpen(each.id)
                  }}
                >
                  {runTexts.execution.attemptNumber(each.attempt)}
                </a>
              )}{' '}
              <span className={each.status}>{texts.state[each.state]}</span>
              {each.durationMs !== null && <span className="dim numbers"> · {duration(each.durationMs)}</span>}
            </span>
            <small className="dim">
              {each.requestedBy !== null ? runTexts.execution.askedBy(each.requestedBy) : each.attempt === 1 ? runTexts.execution.original : runTexts.execution.byEngine}
            </small>
          </span>
          <span className="dim when">
            <When at={each.queuedAt} />
          </span>
        </li>
      ))}
    </ol>
  )
}
