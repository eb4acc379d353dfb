import { type JSX, useEffect, useState } from 'react'
import { given } from '../api/api'
import { engineTexts } from '../engine-texts'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { type Column, Listing } from '../parts/listing'
import { useAsked } from '../parts/use-asked'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { ConnectDialog } from './connect'
import { type Engine, Engines } from './documents'
import './engines.css'
import { OneEngine } from './one-engine'

/** The engines, or one of them. */
export function EnginesPage({ name }: { name: string | null }): JSX.Element {
  const viewer = useViewer()
  const [connecting, setConnecting] = useState(false)
  const { data, error, again } = useAsked(Engines, {})
  const title = name ?? engineTexts.title
  useEffect(() => {
    document.title = `${title} · ${texts.product}`
  }, [title])
  const engines = data && given(data.engines)
  const one = name === null ? undefined : engines?.find((each) => each.name === name)
  return (
    <div className="engines-page">
      {name !== null && (
        <nav className="crumbs" aria-label={engineTexts.crumbs}>
          <a href={hrefs.engines()}>{engineTexts.title}</a>
        </nav>
      )}
      <div className="body">
        <header>
          <h1>{title}</h1>
          {one && (
            <a className="button" href={hrefs.history(new URLSearchParams({ engine: one.name }))}>
              {engineTexts.runs}
            </a>
          )}
          {name === null && viewer?.role === 'ADMIN' && (
            <button type="button" className="primary" onClick={() => setConnecting(true)}>
              {engineTexts.connectOne}
            </button>
          )}
        </header>
        {error && <ErrorBox error={error} retry={again} />}
        {!engines && !error && <p className="skeleton">{texts.loading}</p>}
        {engines && name === null && (engines.length === 0 ? <None /> : <Table engines={engines} />)}
        {engines && name !== null && (one ? <OneEngine engine={one} onChanged={again} /> : <Unknown />)}
        {connecting && <ConnectDialog engine={null} onDone={again} onClose={() => setConnecting(false)} />}
      </div>
    </div>
  )
}

function None(): JSX.Element {
  return (
    <div className="empty" role="status">
      <h2>{engineTexts.none}</h2>
      <p>{engineTexts.noneHint}</p>
      <a className="button" href={hrefs.history()}>
        {texts.frame.toHistory}
      </a>
    </div>
  )
}

function Unknown(): JSX.Element {
  return (
    <div className="empty" role="status">
      <h2>{engineTexts.unknown}</h2>
      <a className="button" href={hrefs.engines()}>
        {engineTexts.toEngines}
      </a>
    </div>
  )
}

function Table({ engines }: { engines: readonly Engine[] }): JSX.Element {
  const { columns } = engineTexts
  const shown: Column<Engine>[] = [
    { title: columns.engine, names: true, cell: ({ name }) => <a href={hrefs.engines(name)}>{name}</a> },
    {
      title: columns.issues,
      className: ({ issueCount }) => (issueCount ? 'some numbers' : 'dim numbers'),
      cell: ({ issueCount }) => texts.number(issueCount),
    },
    { title: columns.seen, cell: ({ lastSeenAt }) => (lastSeenAt === null ? null : <When at={lastSeenAt} />) },
    {
      title: columns.retries,
      cell: ({ kind, retryObstacle }) =>
        retryObstacle === null ? engineTexts.retries[kind] : <span className="dim">{engineTexts.cannot[retryObstacle]}</span>,
    },
    { title: columns.clients, className: 'clients', cell: ({ clients }) => clients[0]?.name ?? null },
  ]
  return <Listing rows={engines} columns={shown} keyOf={({ id }) => id} />
}
