import { type JSX, type ReactNode, useId } from 'react'
import type { Choice } from '../filter/filter'
import { metricsTexts as texts } from '../metrics-texts'
import { SortHeader } from '../parts/sort-header'
import { hrefs } from '../routes'
import { texts as common } from '../texts'
import { duration } from '../time/time'
import type { Metrics, WorkflowFigures } from './documents'
import { behind, FEW, FINISHED, type Order, percent, SLOWEST, writeFigures } from './figures'

/** What fails most, each with the way to its runs. */
export function TopErrors({ errors, choice }: { errors: Metrics['topErrors']; choice: Choice }): JSX.Element {
  const most = errors[0]?.count ?? 1
  return (
    <section className="top-errors" aria-labelledby="top-errors">
      <header>
        <h2 id="top-errors">{texts.errors.title}</h2>
        <a href={hrefs.errors(undefined, writeFigures(choice, 'failed'))}>{texts.errors.all}</a>
      </header>
      {errors.length === 0 && <p className="dim">{texts.errors.none}</p>}
      <ol>
        {errors.map(({ count, group: { id, type, message } }) => {
          const line = message.split('\n', 1)[0]!
          return (
            <li key={id}>
              <a href={hrefs.history(behind(choice, { group: [id] }))}>
                <span className="share" style={{ inlineSize: `${(count / most) * 100}%` }} />
                <span className="what">
                  {type !== null && <b>{type}</b>} <span>{line}</span>
                </span>
                <span className="numbers">
                  {common.number(count)}
                  <span className="visually-hidden">{texts.errors.runs(count)}</span>
                </span>
              </a>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** The workflows to look at first, in an order: how many runs, how long, and how it went over time. */
export function ByWorkflow({
  workflows,
  choice,
  order,
  onOrder,
  onOnly,
}: {
  workflows: readonly WorkflowFigures[]
  choice: Choice
  order: Order
  onOrder: (order: Order) => void
  onOnly: (workflow: string) => void
}): JSX.Element {
  const { columns } = texts.workflows
  return (
    <section className="by-workflow" aria-labelledby="by-workflow">
      <header>
        <h2 id="by-workflow">{texts.workflows.title}</h2>
        <a href={hrefs.workflows(undefined, writeFigures(choice, order))}>{texts.workflows.all}</a>
      </header>
      {workflows.length === 0 ? (
        <p className="dim">{texts.none}</p>
      ) : (
        <div className="scroller" role="group" aria-label={texts.workflows.title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {Object.entries(columns).map(([name, title]) => (
                  <Header key={name} name={name} title={title} order={order} onOrder={onOrder} />
                ))}
              </tr>
            </thead>
            <tbody className="numbers">
              {workflows.map(({ workflow, total, failed, successRatePercent, averageDurationMs, p95DurationMs, trend }) => {
                const { name, engine } = workflow
                const link = (more: Partial<Choice>): string =>
                  hrefs.history(behind(choice, { workflow: [name], engine: [engine.name], ...more }))
                const few = total < FEW
                const figure = (title: string, value: string | null, more: Partial<Choice>): ReactNode =>
                  value === null ? (
                    common.none
                  ) : (
                    <a
                      href={link(more)}
                      className={few ? 'few' : ''}
                      title={few ? texts.few : undefined}
                      aria-label={`${texts.figure(title, value, few)}. ${texts.workflows.runsOf(name)}`}
                    >
                      {value}
                    </a>
                  )
                const ms = (value: number | null): string | null => (value === null ? null : duration(value))
                return (
                  <tr key={workflow.id}>
                    <th scope="row">
                      <button type="button" className="link" title={engine.name} aria-label={texts.workflows.only(name)} onClick={() => onOnly(name)}>
                        <span className="cut">{name}</span>
                      </button>
                    </th>
                    <td>
                      <a href={link({})} aria-label={`${common.number(total)}. ${texts.workflows.runsOf(name)}`}>
                        {common.number(total)}
                      </a>
                    </td>
                    <td className={failed ? 'failed' : ''}>
                      <a href={link({ status: ['FAILURE'] })} aria-label={`${common.number(failed)}. ${texts.workflows.failedOf(name)}`}>
                        {common.number(failed)}
                      </a>
                    </td>
                    <td>{figure(columns.rate, successRatePercent === null ? null : percent(successRatePercent), FINISHED)}</td>
                    <td>{figure(columns.average, ms(averageDurationMs), SLOWEST)}</td>
                    <td>{figure(columns.p95, ms(p95DurationMs), SLOWEST)}</td>
                    <td className="trend">
                      <Spark points={trend} failed={failed} total={total} />
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

/** The title of a column of workflows; where they can be sorted by it, a button. The least rate is the first, else the greatest. */
export function Header(given: { name: string; title: string; order: Order; onOrder: (order: Order) => void }): JSX.Element {
  return <SortHeader {...given} hints={texts.workflows.sort} ascending={(order) => order === 'rate'} />
}

const HEIGHT = 20

/** Runs over time in the height of a line; of each bar the failed ones at the bottom. */
export function Spark({
  points,
  failed,
  total,
}: {
  points: WorkflowFigures['trend']
  failed: number
  total: number
}): JSX.Element {
  const hatch = useId()
  const top = Math.max(1, ...points.map((point) => point.total))
  const heightOf = (count: number): number => (count ? Math.max((count / top) * HEIGHT, 2) : 0)
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${Math.max(1, points.length)} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={texts.workflows.trend(failed, total)}
    >
      <pattern id={hatch} width="1" height="3" patternUnits="userSpaceOnUse">
        <rect className="failed" width="1" height="3" />
        <rect className="gap" width="1" height="0.8" />
      </pattern>
      {points.map((point, index) => {
        const [all, bad] = [heightOf(point.total), heightOf(point.failed)]
        return all === 0 ? null : (
          <g key={point.start}>
            <rect className="all" x={index + 0.1} width={0.8} y={HEIGHT - all} height={all} />
            {bad > 0 && <rect fill={`url(#${hatch})`} x={index + 0.1} width={0.8} y={HEIGHT - bad} height={bad} />}
          </g>
        )
      })}
    </svg>
  )
}
