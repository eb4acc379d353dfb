import type { JSX } from 'react'
import type { Count } from '../counts'
import { errorTexts } from '../error-texts'
import { StatusWord } from '../parts/status'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Example } from './documents'

/** The newest runs of a group, each with its own message. */
export function Examples({ runs, all, total }: { runs: readonly Example[]; all: string; total: Count }): JSX.Element {
  return (
    <section className="examples" aria-labelledby="examples">
      <h2 id="examples">{errorTexts.examples}</h2>
      {runs.length === 0 && <p className="dim">{errorTexts.noExamples}</p>}
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <a href={hrefs.execution(run.id)}>
              <span className="line">
                <StatusWord status={run.status} state={run.state} /> <b>{run.workflowName}</b> <When at={run.queuedAt} />
                {run.resolved && <span className="SUCCESS">{texts.history.resolved}</span>}
              </span>
              <span className="dim">{run.error?.message.split('\n', 1)[0]}</span>
            </a>
          </li>
        ))}
      </ul>
      {total.value > runs.length && (
        <a className="link" href={all}>
          {texts.filter.show(texts.count(total))}
        </a>
      )}
    </section>
  )
}
