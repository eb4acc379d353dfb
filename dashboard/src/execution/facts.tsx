import type { JSX, ReactNode } from 'react'
import { CopyButton } from '../parts/copy'
import { FactsList } from '../parts/facts-list'
import { useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { absolute, duration } from '../time/time'
import type { Run } from './documents'

const { fact } = runTexts.execution

/** What a page has room for and a sheet has not: every time, and the ids. */
export function Facts({ run }: { run: Run }): JSX.Element {
  const zone = useZone()
  const time = (what: string, at: string | null): ReactNode =>
    at === null ? null : (
      <span className="id">
        <time dateTime={at} title={at}>
          {absolute(at, zone)}
        </time>
        <CopyButton what={runTexts.execution.exactly(what)} text={at} />
      </span>
    )
  const list = (field: 'engine' | 'trigger', name: string): ReactNode => (
    <a href={hrefs.history(new URLSearchParams({ [field]: name }))}>{name}</a>
  )
  const rows: [string, ReactNode][] = [
    [fact.queued, time(fact.queued, run.queuedAt)],
    [fact.due, time(fact.due, run.dueAt)],
    [fact.started, time(fact.started, run.startedAt)],
    [fact.finished, time(fact.finished, run.finishedAt)],
    [fact.waited, run.queueMs === null ? null : duration(run.queueMs)],
    [fact.took, run.durationMs === null ? null : duration(run.durationMs)],
    [fact.times, run.timeMarks.length === 0 ? null : run.timeMarks.map((mark) => texts.history.marks[mark]).join('. ')],
    [
      fact.engine,
      <>
        {list('engine', run.engine.name)} · <a href={hrefs.engines(run.engine.name)}>{runTexts.execution.aboutEngine}</a>
      </>,
    ],
    [fact.trigger, list('trigger', run.trigger.kind)],
    [fact.externalId, id(fact.externalId, run.externalId)],
    [fact.id, id(fact.id, run.id)],
  ]
  return (
    <section className="part facts-part" aria-label={runTexts.execution.facts}>
      <FactsList rows={rows} />
    </section>
  )
}

function id(what: string, text: string): ReactNode {
  return (
    <span className="id">
      <span className="mono cut" title={text}>
        {text}
      </span>
      <CopyButton what={what} text={text} />
    </span>
  )
}
