import type { JSX, ReactNode } from 'react'
import { engineTexts } from '../engine-texts'
import { useViewer } from '../frame/viewer'
import { FactsList } from '../parts/facts-list'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { duration } from '../time/time'
import { Actions } from './actions'
import type { Engine } from './documents'
import { IssueList } from './issue-list'

/** What is known of one engine, and what was wrong with its events. */
export function OneEngine({ engine, onChanged }: { engine: Engine; onChanged: () => void }): JSX.Element {
  const viewer = useViewer()
  const { fact } = engineTexts
  const rows: [string, ReactNode][] = [
    [fact.seen, engine.lastSeenAt === null ? engineTexts.never : <When at={engine.lastSeenAt} focusable />],
    [fact.clock, engine.clockSkewMs === null ? null : engineTexts.ahead(duration(engine.clockSkewMs))],
    [
      fact.retries,
      engine.retryObstacle === null ? (
        engineTexts.retries[engine.kind]
      ) : (
        <>
          {engineTexts.obstacles[engine.retryObstacle]} <a href={`${hrefs.events}#retries`}>{engineTexts.connect}</a>
        </>
      ),
    ],
    [
      fact.clients,
      engine.clients.length === 0 ? (
        engineTexts.noClients
      ) : (
        <ul>
          {engine.clients.map((client) => (
            <li key={client.name}>
              <span className="mono">{client.name}</span> <span className="dim"><When at={client.lastSeenAt} focusable /></span>
            </li>
          ))}
        </ul>
      ),
    ],
  ]
  return (
    <>
      <section className="facts-part" aria-label={engineTexts.facts}>
        <FactsList rows={rows} />
      </section>
      {viewer?.role === 'ADMIN' && <Actions engine={engine} onChanged={onChanged} />}
      <IssueList engine={engine} />
    </>
  )
}
