import type { JSX } from 'react'
import type { Choice } from '../filter/filter'
import { ChangeMark, wayOf } from '../metrics/change'
import { behind, type Change, FEW, FINISHED, type Order, percent, pointsOf, ratioOf, SLOWEST } from '../metrics/figures'
import { Header, Spark } from '../metrics/lists'
import { metricsTexts } from '../metrics-texts'
import { StatusWord } from '../parts/status'
import { useRowKeys } from '../parts/use-row-keys'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { duration } from '../time/time'
import { workflowTexts } from '../workflow-texts'
import { Bars } from './bars'
import type { WorkflowRow } from './documents'

/** The workflows, each with its figures and its newest runs; every figure leads to its runs. */
export function Table({
  rows, choice, order, time, onOrder,
}: {
  rows: readonly WorkflowRow[]
  choice: Choice
  order: Order
  /** Of the list, which a workflow's page takes over. */
  time: URLSearchParams
  onOrder: (order: Order) => void
}): JSX.Element {
  const keys = useRowKeys(rows)
  return (
    <table className="listing" {...keys}>
      <thead>
        <tr>
          {Object.entries(workflowTexts.columns).map(([name, title]) => (
            <Header key={name} name={name} title={title} order={order} onOrder={onOrder} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.workflow.id} row={row} choice={choice} time={time} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ row, choice, time }: { row: WorkflowRow; choice: Choice; time: URLSearchParams }): JSX.Element {
  const { workflow, total, failed, successRatePercent: rate, p95DurationMs: p95, trend, previous } = row
  const { name, engine, recent, consecutiveFailures: inARow } = workflow
  const { columns } = workflowTexts
  const [last] = recent
  const link = (title: string, value: string, more: Partial<Choice>, few = false): JSX.Element => (
    <a
      href={hrefs.history(behind(choice, { workflow: [name], engine: [engine.name], ...more }))}
      className={few ? 'few' : ''}
      title={few ? metricsTexts.few : undefined}
      aria-label={workflowTexts.runsOf(name, metricsTexts.figure(title, value, few))}
    >
      {value}
    </a>
  )
  return (
    <tr>
      <th scope="row">
        <a href={hrefs.workflows(workflow.id, time)}>{name}</a>
        <span className="dim engine">{engine.name}</span>
        {workflow.overdue && <Overdue gap={workflow.usualGapMs} />}
      </th>
      <td data-of={columns.last}>
        {last ? (
          <a className="last" href={hrefs.execution(last.id)}>
            <StatusWord status={last.status} state={last.state} /> <When at={last.queuedAt} />
          </a>
        ) : (
          <span className="dim">{workflowTexts.never}</span>
        )}
      </td>
      <td className="recent">
        <Bars runs={recent} name={name} />
      </td>
      <td data-of={columns.runs} className="numbers">{link(columns.runs, texts.number(total), {})}</td>
      <td data-of={columns.failed} className={failed ? 'numbers some' : 'numbers'}>
        {link(columns.failed, texts.number(failed), { status: ['FAILURE'] })}
      </td>
      <td data-of={columns.rate} className="numbers">
        {rate === null ? texts.none : link(columns.rate, percent(rate), FINISHED, total < FEW)}
        <Against change={pointsOf(rate, previous?.successRatePercent ?? null)} better="▲" />
      </td>
      <td data-of={columns.p95} className="numbers">
        {p95 === null
          ? texts.none
          : link(columns.p95, duration(p95), SLOWEST, total < FEW)}
        <Against change={ratioOf(p95, previous?.p95DurationMs ?? null)} better="▼" />
      </td>
      <td data-of={columns.row} className={inARow ? 'numbers some' : 'numbers'}>
        <InARow count={inARow} name={name} engine={engine.name} />
      </td>
      <td className="trend">
        <Spark points={trend} failed={failed} total={total} />
      </td>
    </tr>
  )
}

/** Against the window before; nothing where nothing has changed. */
function Against({ change, better }: { change: Change | null; better: '▲' | '▼' }): JSX.Element | null {
  return change && change.sign !== '=' ? <ChangeMark change={change} way={wayOf(change, better)} /> : null
}

/** Failures in a row, whenever they were. */
export function InARow({ count, name, engine }: { count: number; name: string; engine: string }): JSX.Element {
  if (count === 0) return <>{texts.number(count)}</>
  const failed = new URLSearchParams({ status: 'FAILURE', workflow: name, engine })
  return (
    <a href={hrefs.history(failed)} aria-label={`${workflowTexts.inARow(count)}. ${workflowTexts.failuresOf(name)}`}>
      {texts.number(count)}
    </a>
  )
}

/** After so many usual gaps a workflow is overdue, as the API has it. */
export const OVERDUE_FACTOR = 3

export function Overdue({ gap }: { gap: number | null }): JSX.Element {
  return (
    <span className="overdue">
      <b>{workflowTexts.overdue}</b>
      {gap !== null && <span>{workflowTexts.within(duration(gap * OVERDUE_FACTOR))}</span>}
    </span>
  )
}
