import { type JSX, useEffect, useState } from 'react'
import { type ApiError, ask, asApiError, given } from '../api/api'
import { engineTexts } from '../engine-texts'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Engine, EngineIssues, type Issue } from './documents'

/** What was rejected or corrected of an engine's events: when, which event, why, how many. */
export function IssueList({ engine }: { engine: Engine }): JSX.Element {
  const { data, error, again } = useAsked(EngineIssues, { id: engine.id, after: null })
  const first = data && given(data.engineIssues)
  return (
    <section className="issues" aria-labelledby="issues">
      <h2 id="issues">{engineTexts.issues}</h2>
      {error && <ErrorBox error={error} retry={again} />}
      {!first && !error && <p className="skeleton">{texts.loading}</p>}
      {first?.nodes.length === 0 && (
        <p className="dim" role="status">
          {engineTexts.noIssues}
        </p>
      )}
      {first && first.nodes.length > 0 && (
        <>
          <Issues issues={first.nodes} engine={engine} />
          {first.pageInfo.hasNextPage && <Older engine={engine} after={first.pageInfo.endCursor} key={first.pageInfo.endCursor} />}
          <p className="dim">{engineTexts.keptOf}</p>
        </>
      )}
    </section>
  )
}

/** The pages behind the first one, as far as somebody wants to see them. */
function Older({ engine, after }: { engine: Engine; after: string | null }): JSX.Element {
  const [issues, setIssues] = useState<Issue[]>([])
  const [next, setNext] = useState(after)
  const [wanted, setWanted] = useState(0)
  const [error, setError] = useState<ApiError | null>(null)
  useEffect(() => {
    if (wanted === 0) return
    const asking = new AbortController()
    setError(null)
    ask(EngineIssues, { id: engine.id, after: next }, { signal: asking.signal }).then(
      ({ engineIssues }) => {
        const { nodes, pageInfo } = given(engineIssues)
        setIssues((before) => [...before, ...nodes])
        setNext(pageInfo.hasNextPage ? pageInfo.endCursor : null)
      },
      (reason: unknown) => asking.signal.aborted || setError(asApiError(reason)),
    )
    return () => asking.abort()
    // oxlint-disable-next-line react/exhaustive-deps
  }, [wanted])
  return (
    <>
      {issues.length > 0 && <Issues issues={issues} engine={engine} />}
      {error && <ErrorBox error={error} retry={() => setWanted((count) => count + 1)} />}
      {next !== null && !error && (
        <button type="button" onClick={() => setWanted((count) => count + 1)}>
          {engineTexts.more}
        </button>
      )}
    </>
  )
}

function Issues({ issues, engine }: { issues: readonly Issue[]; engine: Engine }): JSX.Element {
  const { issue } = engineTexts
  return (
    <table className="listing">
      <thead>
        <tr>
          <th scope="col">{issue.what}</th>
          <th scope="col">{issue.events}</th>
          <th scope="col">{issue.last}</th>
          <th scope="col">{issue.newest}</th>
          <th scope="col">{issue.run}</th>
        </tr>
      </thead>
      <tbody>
        {issues.map((each) => (
          <tr key={`${each.kind} ${each.reason}`}>
            <th scope="row" className={each.kind}>
              <b>{engineTexts.kinds[each.kind]}</b> <span className="dim">{engineTexts.means[each.kind]}</span>
              <p className="reason">{each.reason}</p>
            </th>
            <td data-of={issue.events} className="numbers">
              {texts.number(each.events)}
            </td>
            <td data-of={issue.last}>
              <When at={each.lastAt} focusable />{' '}
              {each.events > 1 && (
                <span className="dim first">
                  {engineTexts.since} <When at={each.firstAt} focusable />
                </span>
              )}
            </td>
            <td data-of={issue.newest} className="newest">
              {each.eventType === null && each.eventId === null ? (
                <span className="dim">{engineTexts.unread}</span>
              ) : (
                <>
                  {each.eventType ?? texts.none} <span className="mono dim">{each.eventId}</span>
                </>
              )}
            </td>
            <td data-of={issue.run} className="newest">
              {each.externalId === null ? (
                <span className="dim">{texts.none}</span>
              ) : (
                <a
                  className="mono"
                  aria-label={engineTexts.run(each.externalId)}
                  href={hrefs.history(new URLSearchParams({ engine: engine.name, q: each.externalId }))}
                >
                  {each.externalId}
                </a>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
