import type { JSX } from 'react'
import { errorTexts } from '../error-texts'
import type { Choice } from '../filter/filter'
import { behindPoint } from '../metrics/figures'
import { useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { axisEnds, brief } from '../time/time'
import type { Points } from './documents'

const HEIGHT = 90

/** A group's failures over time, as bars and as a table, each with the way to its runs. */
export function OverTime({ points, choice, group }: { points: Points; choice: Choice; group: string }): JSX.Element {
  const zone = useZone()
  const most = Math.max(0, ...points.map(({ failed }) => failed))
  const worst = points.find(({ failed }) => failed === most)
  const total = points.reduce((sum, { failed }) => sum + failed, 0)
  const ends = points.length > 0 ? axisEnds(points[0]!.start, points.at(-1)!.end, zone) : null
  const some = points.filter(({ failed }) => failed > 0)
  return (
    <section className="over-time" aria-labelledby="over-time">
      <h2 id="over-time">{errorTexts.overTime}</h2>
      <svg
        viewBox={`0 0 ${Math.max(1, points.length)} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={errorTexts.overTimeSay(total, most, worst ? brief(worst.start, zone) : '')}
      >
        {points.map(({ start, failed }, index) => {
          const height = failed ? Math.max((failed / most) * (HEIGHT - 6), 3) : 0
          return height ? (
            <rect key={start} className="failed" x={index + 0.1} width={0.8} y={HEIGHT - height} height={height}>
              <title>{`${brief(start, zone)}: ${texts.number(failed)}`}</title>
            </rect>
          ) : null
        })}
      </svg>
      <p className="dim ends numbers">
        <span>{ends?.[0]}</span>
        <span>{errorTexts.overTimeSay(total, most, worst ? brief(worst.start, zone) : '')}</span>
        <span>{ends?.[1]}</span>
      </p>
      {some.length > 0 && (
        <details>
          <summary>{errorTexts.asTable}</summary>
          <table>
            <thead>
              <tr>
                <th scope="col">{errorTexts.from}</th>
                <th scope="col">{errorTexts.failures}</th>
              </tr>
            </thead>
            <tbody className="numbers">
              {some.map((point) => (
                <tr key={point.start}>
                  <th scope="row">{brief(point.start, zone)}</th>
                  <td>
                    <a href={hrefs.history(behindPoint(choice, point, { group: [group] }))}>{texts.number(point.failed)}</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </section>
  )
}
