import { type JSX, type ReactNode, useEffect } from 'react'
import { ask, given } from '../api/api'
import { readiness } from '../api/health'
import { aboutTexts } from '../about-texts'
import { ErrorBox } from '../parts/error-box'
import { FactsList } from '../parts/facts-list'
import { useZone } from '../parts/settings'
import { usePolled } from '../parts/use-polled'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { absolute } from '../time/time'
import { About, type Retention } from './documents'
import './about.css'

/** Which server answers, how it is, how long it keeps runs, and who one is to it. */
export function AboutPage(): JSX.Element {
  const zone = useZone()
  const { data, error, again } = usePolled('about', async (signal) => {
    const { server, viewer } = await ask(About, {}, { signal })
    return { server: given(server), viewer }
  })
  const health = usePolled('health', readiness)
  useEffect(() => {
    document.title = `${aboutTexts.title} · ${texts.product}`
  }, [])
  const { fact } = aboutTexts
  const rows: [string, ReactNode][] = data
    ? [
        [fact.version, data.server.version],
        [fact.build, data.server.build === null ? aboutTexts.noPage : <code key="build">{data.server.build}</code>],
        [fact.kept, keptRuns(data.server.retention)],
        [fact.others, keptElse(data.server.retention)],
        [fact.deletes, data.server.retention.byItself ? aboutTexts.byItself : aboutTexts.byPrune],
        [fact.clock, absolute(data.server.now, zone)],
        [fact.health, <Health key="health" state={health} />],
        [fact.who, `${data.viewer.name}, ${texts.frame.role[data.viewer.role]}`],
        [fact.ends, data.viewer.expiresAt === null ? aboutTexts.notByItself : <When key="ends" at={data.viewer.expiresAt} focusable ahead />],
      ]
    : []
  return (
    <div className="about-page">
      <h1>{aboutTexts.title}</h1>
      {error && <ErrorBox error={error} retry={again} />}
      {!data && !error && <p className="skeleton">{texts.loading}</p>}
      {data && (
        <section aria-label={aboutTexts.server}>
          <FactsList rows={rows} />
        </section>
      )}
      <section aria-labelledby="guides">
        <h2 id="guides">{aboutTexts.guides}</h2>
        <ul>
          <li>
            <a href={hrefs.guide}>{aboutTexts.api}</a>
          </li>
          <li>
            <a href={hrefs.events}>{aboutTexts.events}</a>
          </li>
        </ul>
      </section>
    </div>
  )
}

function keptRuns({ days, failureDays, executions, bytes }: Retention): string {
  const { runs } = aboutTexts
  const bounds = [
    days !== null && runs.days(days),
    failureDays !== null && runs.failureDays(failureDays),
    executions !== null && runs.executions(executions),
    bytes !== null && runs.bytes(bytes),
  ].filter((each) => each !== false)
  return bounds.length ? bounds.join('; ') : aboutTexts.forEver
}

/** What else has an end; null: nothing has. */
function keptElse({ figureDays, errorGroupDays, alertDays, auditDays, idleWorkflowDays }: Retention): string | null {
  const { others } = aboutTexts
  const given = { figures: figureDays, groups: errorGroupDays, alerts: alertDays, audit: auditDays, workflows: idleWorkflowDays }
  const bounds = Object.entries(given).flatMap(([what, days]) => (days === null ? [] : [others[what as keyof typeof given](days)]))
  return bounds.length ? bounds.join('; ') : null
}

function Health({ state: { data, error } }: { state: { data: Awaited<ReturnType<typeof readiness>> | null; error: unknown } }): JSX.Element {
  if (error) return <b className="bad">{aboutTexts.silent}</b>
  if (!data) return <>{texts.loading}</>
  if (data.ready) return <>{aboutTexts.ready}</>
  return (
    <b className="bad">
      {aboutTexts.notReady} {data.reasons.join('; ')}
    </b>
  )
}
