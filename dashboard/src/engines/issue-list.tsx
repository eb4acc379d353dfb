import { type JSX, useEffect, useState } from 'react'
import { type ApiError, ask, asApiError, given } from '../api/api'
import { engineTexts } from '../engine-texts'
import { ErrorBox } from '../parts/error-box'
import { type Column, Listing } from '../parts/listing'
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
  const columns: Column<Issue>[] = [
    {
      title: issue.what,
      names: true,
      className: ({ kind }) => kind,
      cell: ({ kind, reason }) => (
        <>
          <b>{engineTexts.kinds[kind]}</b> <span className="dim">{engineTexts.means[kind]}</span>
          <p className="reason">{reason}</p>
        </>
      ),
    },
    { title: issue.events, className: 'numbers', cell: ({ events }) => texts.number(events) },
    { title: issue.last, cell: (each) => <Times issue={each} /> },
    { title: issue.newest, className: 'newest', cell: (each) => <Newest issue={each} /> },
    { title: issue.run, className: 'newest', cell: ({ externalId }) => <Run externalId={externalId} engine={engine} /> },
  ]
  return <Listing rows={issues} columns={columns} keyOf={({ kind, reason }) => `${kind} ${reason}`} />
}

function Times({ issue: { events, firstAt, lastAt } }: { issue: Issue }): JSX.Element {
  return (
    <>
      <When at={lastAt} focusable />{' '}
      {events > 1 && (
        <span className="dim first">
          {engineTexts.since} <When at={firstAt} focusable />
        </span>
      )}
    </>
  )
}

function Newest({ issue: { eventType, eventId } }: { issue: Issue }): JSX.Element {
  if (eventType === null && eventId === null) return <span className="dim">{engineTexts.unread}</span>
  return (
    <>
      {eventType ?? texts.none} <span className="mono dim">{eventId}</span>
    </>
  )
}

function Run({ externalId, engine }: { externalId: string | null; engine: Engine }): JSX.Element {
  if (externalId === null) return <span className="dim">{texts.none}</span>
  const href = hrefs.history(new URLSearchParams({ engine: engine.name, q: externalId }))
  return (
    <a className="mono" aria-label={engineTexts.run(externalId)} href={href}>
      {externalId}
    </a>
  )
}
