import type { JSX } from 'react'
import { Dialog } from '../parts/dialog'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { brief } from '../time/time'
import type { Histogram } from './documents'
import './histogram-table.css'

/** What the bars say, in numbers: for those who cannot see or point at them. A time chooses it, as dragging does. */
export function HistogramTable({
  points,
  onPick,
  onClose,
}: {
  points: Histogram['points']
  onPick: (from: string, to: string) => void
  onClose: () => void
}): JSX.Element {
  const zone = useZone()
  const some = points.filter(({ total }) => total > 0).toReversed()
  return (
    <Dialog title={texts.histogram.title} onClose={onClose} className="histogram-table">
      <p className="dim">{texts.histogram.tableHint(zone)}</p>
      {/* A long table scrolls by itself: the focus lets the keyboard do so too. */}
      <div className="scroller" role="group" aria-label={texts.histogram.title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{texts.histogram.from}</th>
              <th scope="col">{texts.histogram.runs}</th>
              <th scope="col">{texts.status.FAILURE}</th>
              <th scope="col">{texts.status.PENDING}</th>
              <th scope="col">{texts.status.SUCCESS}</th>
              <th scope="col">{texts.status.CANCELLED}</th>
            </tr>
          </thead>
          <tbody className="numbers">
            {some.map(({ start, end, total, failed, succeeded, cancelled }) => (
              <tr key={start}>
                <th scope="row">
                  <button
                    type="button"
                    className="link"
                    aria-label={texts.histogram.choose(brief(start, zone), brief(end, zone))}
                    onClick={() => {
                      onPick(start, end)
                      onClose()
                    }}
                  >
                    {brief(start, zone)}
                  </button>
                </th>
                {[total, failed, total - failed - succeeded - cancelled, succeeded, cancelled].map((count, index) => (
                  <td key={index}>{texts.number(count)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  )
}
