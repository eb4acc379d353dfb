import type { JSX } from 'react'
import { metricsTexts as texts } from '../metrics-texts'
import { Dialog } from '../parts/dialog'
import { useZone } from '../parts/settings'
import { brief } from '../time/time'
import type { Point } from './documents'

export interface Column {
  title: string
  cell: (point: Point) => JSX.Element
}

/** What a chart shows, in numbers: a time becomes the period, as dragging does; a number leads to its runs. */
export function ChartTable({
  title, points, columns, onPick, onClose,
}: {
  title: string
  points: readonly Point[]
  columns: readonly Column[]
  onPick: (from: string, to: string) => void
  onClose: () => void
}): JSX.Element {
  const zone = useZone()
  return (
    <Dialog title={title} onClose={onClose} className="chart-table">
      <p className="dim">{texts.charts.tableHint(zone)}</p>
      {/* A long table scrolls by itself: the focus lets the keyboard do so too. */}
      <div className="scroller" role="group" aria-label={title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{texts.charts.from}</th>
              {columns.map((column) => (
                <th key={column.title} scope="col">
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="numbers">
            {points.toReversed().map((point) => (
              <tr key={point.start}>
                <th scope="row">
                  <button
                    type="button"
                    className="link"
                    aria-label={texts.charts.choose(brief(point.start, zone), brief(point.end, zone))}
                    onClick={() => {
                      onPick(point.start, point.end)
                      onClose()
                    }}
                  >
                    {brief(point.start, zone)}
                  </button>
                </th>
                {columns.map((column) => (
                  <td key={column.title}>{column.cell(point)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  )
}
