import type { JSX, ReactNode } from 'react'
import type { Count } from '../counts'
import type { Choice } from '../filter/filter'
import { metricsTexts as texts } from '../metrics-texts'
import { hrefs } from '../routes'
import { texts as common } from '../texts'
import { useNow } from '../time/clock'
import { ago, duration } from '../time/time'
import { ChangeMark, wayOf } from './change'
import type { Before, Figures, Metrics } from './documents'
import { behind, type Change, FEW, FINISHED, pendingBehind, percent, perHour, pointsOf, ratioOf, SLOWEST } from './figures'

/** The figures of the window, each with of how many runs it is, and what it was in the window before. */
export function Cards({ figures, choice }: { figures: Figures; choice: Choice }): JSX.Element {
  const { metrics, before, unresolved, executions } = figures
  return (
    <ul className="cards" aria-label={texts.cards.label}>
      {metrics && <OfWindow metrics={metrics} before={before} choice={choice} />}
      {unresolved && <Unresolved count={unresolved.totalCount} failed={metrics?.failed ?? null} href={hrefs.history(behind(choice, { unresolved: true }))} />}
      {executions && <Pending executions={executions} choice={choice} />}
    </ul>
  )
}

function OfWindow({ metrics, before, choice }: { metrics: Metrics; before: Before | null; choice: Choice }): JSX.Element {
  const { durations, successRatePercent: rate } = metrics
  const finished = metrics.succeeded + metrics.failed
  const finishedBefore = before ? before.succeeded + before.failed : 0
  const window = { from: Date.parse(metrics.from), to: Date.parse(metrics.to) }
  const ms = (value: number | null): string => (value === null ? common.none : duration(value))
  const link = (more: Partial<Choice>): string => hrefs.history(behind(choice, more))
  return (
    <>
      <Card
        title={texts.cards.successRate}
        value={rate === null ? common.none : percent(rate)}
        href={link(FINISHED)}
        count={finished}
        change={pointsOf(rate, before?.successRatePercent ?? null)}
        better="▲"
        before={was(before?.successRatePercent, percent, finishedBefore)}
      >
        {metrics.failed > 0 && <a href={link({ status: ['FAILURE'] })}>{texts.failed(metrics.failed)}</a>}
      </Card>
      <Card
        title={texts.cards.average}
        value={ms(durations.averageMs)}
        href={link(SLOWEST)}
        count={durations.count}
        change={ratioOf(durations.averageMs, before?.durations.averageMs ?? null)}
        better="▼"
        before={was(before?.durations.averageMs, duration, before?.durations.count ?? 0)}
      />
      <Card
        title={texts.cards.p95}
        said={texts.cards.p95Long}
        value={ms(durations.p95Ms)}
        href={link(SLOWEST)}
        count={durations.count}
        change={ratioOf(durations.p95Ms, before?.durations.p95Ms ?? null)}
        better="▼"
        before={was(before?.durations.p95Ms, duration, before?.durations.count ?? 0)}
      />
      <Card
        title={texts.cards.runs}
        value={common.number(metrics.total)}
        href={link({})}
        change={ratioOf(metrics.total, before?.total ?? null)}
        before={before && texts.beforeAlone(common.number(before.total))}
      >
        <span>{texts.anHour(perHour(metrics.total, window))}</span>
      </Card>
    </>
  )
}

/** What a figure was before; null where there was none. */
function was(value: number | null | undefined, write: (value: number) => string, count: number): string | null {
  return value === null || value === undefined ? null : texts.before(write(value), count)
}

/** What of the window failed, and nobody has mended. */
function Unresolved({ count, failed, href }: { count: Count; failed: number | null; href: string }): JSX.Element {
  return (
    <Card title={texts.cards.unresolved} value={common.count(count)} href={href}>
      {failed !== null && <span>{texts.ofFailed(failed)}</span>}
    </Card>
  )
}

function Pending({ executions, choice }: { executions: NonNullable<Figures['executions']>; choice: Choice }): JSX.Element {
  const { totalCount, nodes } = executions
  const now = useNow(false)
  const [oldest] = nodes
  return (
    <Card title={texts.cards.pending} value={common.count(totalCount)} href={hrefs.history(pendingBehind(choice))}>
      {oldest && <span>{texts.oldest(ago(oldest.queuedAt, now))}</span>}
    </Card>
  )
}

function Card({
  title, said = title, value, href, count, change, better, before, children,
}: {
  title: string
  /** The title as it is heard. */
  said?: string
  value: string
  href: string
  /** Of how many runs it is; undefined where the value says it. */
  count?: number
  change?: Change | null
  /** Which way is the better one; undefined: neither. */
  better?: '▲' | '▼'
  before?: string | null
  children?: ReactNode
}): JSX.Element {
  const few = count !== undefined && count < FEW
  const way = few ? '' : wayOf(change ?? null, better)
  return (
    <li className={`card ${few ? 'few' : ''}`}>
      <h2>{title}</h2>
      <p className="figure">
        <a href={href} aria-label={texts.runsBehind(`${said}: ${value}`)}>
          {value}
        </a>
        {change && <ChangeMark change={change} way={way} />}
      </p>
      <p className="of">
        {count !== undefined && <span>{texts.of(count)}</span>}
        {few && count > 0 && <span>{texts.few}</span>}
        {children}
      </p>
      {before !== undefined && <p className="of">{before ?? texts.nothingBefore}</p>}
    </li>
  )
}
