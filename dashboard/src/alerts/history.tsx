import { type JSX, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { type ApiError, ask, asApiError, given } from '../api/api'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { useRowKeys } from '../parts/use-row-keys'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Alert, type Alerts, Fired } from './documents'
import { failuresBehind, happened, isAboutFailures } from './sentence'

/** What fired, of one rule or of all, newest first, and what became of telling it. */
export function History({ rule }: { rule: string | null }): JSX.Element {
  const filter = rule === null ? null : { ruleId: rule }
  const { data, error, again } = useAsked(Fired, { after: null, filter })
  const [older, setOlder] = useState<readonly Alerts[]>([])
  const [failed, setFailed] = useState<ApiError | null>(null)
  const first = data && given(data.alerts)
  const pages = first ? [first, ...older] : []
  const last = pages.at(-1)?.pageInfo
  const more = async (): Promise<void> => {
    setFailed(null)
    try {
      const page = given((await ask(Fired, { after: last?.endCursor ?? null, filter })).alerts)
      setOlder((before) => [...before, page])
    } catch (reason) {
      setFailed(asApiError(reason))
    }
  }
  // A newer first page may have what an older one had.
  const alerts = [...new Map(pages.flatMap((page) => page.nodes).map((alert) => [alert.id, alert])).values()]
  const keys = useRowKeys(alerts)
  const { columns } = alertTexts
  return (
    <section aria-labelledby="alert-history">
      <h2 id="alert-history">{alertTexts.history}</h2>
      {rule !== null && (
        <p>
          {alertTexts.ofRule} <a href={hrefs.alerts()}>{alertTexts.ofAll}</a>
        </p>
      )}
      {error && <ErrorBox error={error} retry={again} />}
      {!first && !error && <p className="skeleton">{texts.loading}</p>}
      {first && alerts.length === 0 && <p role="status">{alertTexts.noAlerts}</p>}
      {alerts.length > 0 && (
        <table className="listing" {...keys}>
          <thead>
            <tr>
              <th scope="col">{columns.what}</th>
              <th scope="col">{columns.when}</th>
              <th scope="col">{columns.state}</th>
              <th scope="col">{columns.delivery}</th>
            </tr>
          </thead>
          <tbody>
            {alerts.map((alert) => (
              <Row key={alert.id} alert={alert} />
            ))}
          </tbody>
        </table>
      )}
      {failed && <ErrorBox error={failed} retry={() => void more()} />}
      {last?.hasNextPage && (
        <button type="button" onClick={() => void more()}>
          {alertTexts.more}
        </button>
      )}
    </section>
  )
}

function Row({ alert }: { alert: Alert }): JSX.Element {
  const { columns } = alertTexts
  return (
    <tr>
      <th scope="row">
        {alert.execution ? (
          <a href={hrefs.execution(alert.execution.id)} title={alertTexts.run}>
            {alert.workflow.name}
          </a>
        ) : (
          <b>{alert.workflow.name}</b>
        )}{' '}
        {happened(alert)}
        {alert.errorGroup && (
          <>
            {' · '}
            <a href={hrefs.errors(alert.errorGroup.id)}>{alertTexts.group}</a>
          </>
        )}
        {isAboutFailures(alert.condition) && (
          <>
            {' · '}
            <a href={hrefs.history(failuresBehind(alert))} aria-label={alertTexts.itsFailuresOf(alert.workflow.name)}>
              {alertTexts.itsFailures}
            </a>
          </>
        )}
        {' · '}
        <a href={hrefs.alerts(alert.rule.id)} aria-label={alertTexts.ruleOf(alert.workflow.name)}>
          {alertTexts.rule}
        </a>
      </th>
      <td data-of={columns.when}>
        <When at={alert.firedAt} focusable />
      </td>
      <td data-of={columns.state}>
        {alert.endedAt === null ? (
          <b className="open">{alertTexts.goesOn}</b>
        ) : (
          <>
            {alertTexts.over} <When at={alert.endedAt} />
          </>
        )}
      </td>
      <td data-of={columns.delivery}>
        {alert.heldUntil !== null && (
          <p>
            {alertTexts.held} <When at={alert.heldUntil} ahead />
          </p>
        )}
        {alert.heldUntil === null && alert.deliveries.length === 0 && <span className="dim">{alertTexts.onPage}</span>}
        {alert.deliveries.map((delivery) => (
          <Delivery key={`${delivery.channel} ${delivery.notice}`} delivery={delivery} />
        ))}
      </td>
    </tr>
  )
}

function Delivery({ delivery }: { delivery: Alert['deliveries'][number] }): JSX.Element {
  const { channel, notice, together, attempts, deliveredAt, givenUp, lastError } = delivery
  const outcome = deliveredAt !== null ? alertTexts.delivered : givenUp ? alertTexts.givenUp : alertTexts.waiting
  const notes = [notice === 'ENDED' && alertTexts.ofEnd, together && alertTexts.together, attempts > 1 && alertTexts.attempts(attempts)]
  return (
    <div className={givenUp ? 'given-up' : ''}>
      <b>{alertTexts.channels[channel]}</b> {[outcome, ...notes.filter(Boolean)].join(', ')}
      {lastError !== null && deliveredAt === null && <p className="reason mono">{lastError}</p>}
    </div>
  )
}
