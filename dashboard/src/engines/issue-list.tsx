import { type JSX, useState } from 'react'
import { ask, given } from '../api/api'
import { firstPages } from '../api/pages'
import { engineTexts } from '../engine-texts'
import { ErrorBox } from '../parts/error-box'
import { type Column, Listing } from '../parts/listing'
import { usePolled } from '../parts/use-polled'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Engine, EngineIssues, type Issue } from './documents'

/** What was rejected or corrected of an engine's events: when, which event, why, how many. */
export function IssueList({ engine }: { engine: Engine }): JSX.Element {
  const [pages, setPages] = useState(1)
  const { data, error, again } = usePolled(`${engine.id} ${pages}`, async (signal) =>
    firstPages(pages, async (after) => given((await ask(EngineIssues, { id: engine.id, after }, { signal })).engineIssues)),
  )
  return (
    <section className="issues" aria-labelledby="issues">
      <h2 id="issues">{engineTexts.issues}</h2>
      {error && <ErrorBox error={error} retry={again} />}
      {!data && !error && <p className="skeleton">{texts.loading}</p>}
      {data?.rows.length === 0 && (
        <p className="dim" role="status">
          {engineTexts.noIssues}
        </p>
      )}
      {data && data.rows.length > 0 && (
        <>
          <Issues issues={data.rows} engine={engine} />
          {data.more && (
            <button type="button" onClick={() => setPages(pages + 1)}>
              {engineTexts.more}
            </button>
          )}
          <p className="dim">{engineTexts.keptOf}</p>
        </>
      )}
    </section>
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
