import { type JSX, useEffect } from 'react'
import { given } from '../api/api'
import { engineTexts } from '../engine-texts'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Engine, Engines } from './documents'
import '../style/listing.css'
import './engines.css'
import { OneEngine } from './one-engine'

/** The engines, or one of them. */
export function EnginesPage({ name }: { name: string | null }): JSX.Element {
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
          <span aria-hidden="true">/</span>
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
        </header>
        {error && <ErrorBox error={error} retry={again} />}
        {!engines && !error && <p className="skeleton">{texts.loading}</p>}
        {engines && name === null && (engines.length === 0 ? <None /> : <Table engines={engines} />)}
        {engines && name !== null && (one ? <OneEngine engine={one} /> : <Unknown />)}
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
  return (
    <table className="listing">
      <thead>
        <tr>
          <th scope="col">{columns.engine}</th>
          <th scope="col">{columns.issues}</th>
          <th scope="col">{columns.seen}</th>
          <th scope="col">{columns.retries}</th>
          <th scope="col">{columns.clients}</th>
        </tr>
      </thead>
      <tbody>
        {engines.map((engine) => (
          <tr key={engine.id}>
            <th scope="row">
              <a href={hrefs.engines(engine.name)}>{engine.name}</a>
            </th>
            <td data-of={columns.issues} className={engine.issueCount ? 'some numbers' : 'dim numbers'}>
              {texts.number(engine.issueCount)}
            </td>
            <td data-of={columns.seen}>
              {engine.lastSeenAt === null ? <span className="dim">{texts.none}</span> : <When at={engine.lastSeenAt} />}
            </td>
            <td data-of={columns.retries}>
              {engine.retryObstacle === null ? (
                engineTexts.retries[engine.kind]
              ) : (
                <span className="dim">{engineTexts.cannot[engine.retryObstacle]}</span>
              )}
            </td>
            <td data-of={columns.clients} className="clients">
              {engine.clients[0]?.name ?? <span className="dim">{texts.none}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
