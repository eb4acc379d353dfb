import { type JSX, lazy, type ReactNode, Suspense, useState } from 'react'
import type { Choice } from '../filter/filter'
import { metricsTexts as texts } from '../metrics-texts'
import { useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { texts as common } from '../texts'
import { brief, duration } from '../time/time'
import { ChartTable, type Column } from './chart-table'
import type { Metrics, Point } from './documents'
import { behindPoint, extent, SLOWEST, spanOf, worstOf } from './figures'
import type { Line } from './plot'

// The library comes with the first chart: 20 kB that no other part of the page needs.
const Plot = lazy(async () => ({ default: (await import('./plot')).Plot }))

const FAILURES: readonly Line[] = [{ colour: '--failure', shape: 'bars' }]
const DURATIONS: readonly Line[] = [
  { colour: '--accent', shape: 'filled' },
  { colour: '--pending', shape: 'hollow', dash: [5, 4] },
]
const ms = (value: number | null): string => (value === null ? common.none : duration(value))

/** Both charts, with one cursor: where it points, both say their figures. Dragging in one makes a period of it. */
export function Charts({
  metrics: { trend, total, cutHours },
  choice,
  onPick,
  onOpen,
}: {
  metrics: Metrics
  choice: Choice
  onPick: (from: string, to: string) => void
  /** Shows runs, by their part of history. */
  onOpen: (runs: URLSearchParams) => void
}): JSX.Element {
  const zone = useZone()
  const [pointed, setPointed] = useState<number | null>(null)
  const shown = pointed === null ? undefined : trend[pointed]
  const at = (point: Point): string => brief(point.start, zone)
  const pick = (one: number, other: number): void => {
    const span = spanOf(trend, one, other)
    if (span) onPick(span.from, span.to)
  }
  const open = (index: number, more: Partial<Choice>): void => {
    const point = trend[index]
    if (point?.total) onOpen(behindPoint(choice, point, more))
  }
  const worst = worstOf(trend)
  const failed = trend.reduce((sum, point) => sum + point.failed, 0)
  const [p50, p95] = [extent(trend.map((each) => each.p50DurationMs)), extent(trend.map((each) => each.p95DurationMs))]
  const some = trend.filter((point) => point.total > 0)
  const cell = (point: Point, value: string, what: string, more: Partial<Choice>): JSX.Element => (
    <a href={hrefs.history(behindPoint(choice, point, more))} aria-label={texts.charts.runsOf(`${what} ${value}`, at(point))}>
      {value}
    </a>
  )
  const failures: readonly Column[] = [
    { title: texts.charts.failed, cell: (point) => cell(point, common.number(point.failed), texts.charts.failed, { status: ['FAILURE'] }) },
    { title: texts.charts.runs, cell: (point) => cell(point, common.number(point.total), texts.charts.runs, {}) },
  ]
  const durations: readonly Column[] = [
    { title: texts.charts.p50, cell: (point) => cell(point, ms(point.p50DurationMs), texts.charts.p50, SLOWEST) },
    { title: texts.charts.p95, cell: (point) => cell(point, ms(point.p95DurationMs), texts.charts.p95, SLOWEST) },
  ]
  const both = { points: trend, pick, point: setPointed, zone }
  return (
    <div className="charts">
      <Chart
        title={texts.charts.failures}
        says={worst ? texts.charts.failuresSay(failed, worst.failed, at(worst)) : total ? texts.charts.noFailures : texts.none}
        reads={shown && texts.charts.failuresAt(at(shown), shown.failed, shown.total)}
        table={some.length > 0 && ((onClose) => <ChartTable title={texts.charts.failures} points={some} columns={failures} onPick={onPick} onClose={onClose} />)}
      >
        <Plot {...both} lines={FAILURES} values={[trend.map((point) => point.failed)]} write={(value) => common.number(value)} whole open={(index) => open(index, trend[index]?.failed ? { status: ['FAILURE'] } : {})} />
      </Chart>
      <Chart
        title={texts.charts.durations}
        says={p50 && p95 ? texts.charts.durationsSay([ms(p50[0]), ms(p50[1])], [ms(p95[0]), ms(p95[1])]) : texts.charts.noDurations}
        reads={shown && texts.charts.durationsAt(at(shown), ms(shown.p50DurationMs), ms(shown.p95DurationMs))}
        table={some.length > 0 && ((onClose) => <ChartTable title={texts.charts.durations} points={some} columns={durations} onPick={onPick} onClose={onClose} />)}
        legend={
          <span className="legend" aria-hidden="true">
            <span className="p50">{texts.charts.p50}</span> <span className="p95">{texts.charts.p95}</span>
          </span>
        }
      >
        <Plot
          {...both}
          lines={DURATIONS}
          values={[trend.map((point) => point.p50DurationMs), trend.map((point) => point.p95DurationMs)]}
          write={duration}
          open={(index) => open(index, SLOWEST)}
        />
      </Chart>
      {cutHours && <p className="cut-hours dim">{texts.charts.cutHours}</p>}
    </div>
  )
}

/** A chart with a sentence that says what it shows, and a table behind it. */
function Chart({
  title, says, reads, table, legend, children,
}: {
  title: string
  says: string
  /** What it is where the cursor points. */
  reads: string | undefined
  table: false | ((onClose: () => void) => JSX.Element)
  legend?: ReactNode
  children: ReactNode
}): JSX.Element {
  const zone = useZone()
  const [tabled, setTabled] = useState(false)
  return (
    <section className="chart" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {legend}
        {table && (
          <button type="button" className="link" aria-haspopup="dialog" aria-label={`${title}: ${texts.charts.asTable}`} onClick={() => setTabled(true)}>
            {texts.charts.asTable}
          </button>
        )}
      </header>
      <div className="plot" role="img" aria-label={`${title}. ${says}`}>
        <Suspense>{children}</Suspense>
      </div>
      <p className="reads">
        <span>{reads ?? says}</span>
        <span className="dim">
          {texts.charts.zone(zone)}
          <span className="hover">{texts.charts.hint}</span>
        </span>
      </p>
      {tabled && table && table(() => setTabled(false))}
    </section>
  )
}
