import type { JSX } from 'react'
import { errorTexts } from '../error-texts'

const HEIGHT = 20

/** Failures over time in the height of a line, drawn by hand; a text says the same. */
export function Trend({ failures }: { failures: readonly number[] }): JSX.Element {
  const most = Math.max(1, ...failures)
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${Math.max(1, failures.length)} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={errorTexts.trend(failures.reduce((sum, each) => sum + each, 0), Math.max(0, ...failures))}
    >
      {failures.map((each, index) => {
        const height = each ? Math.max((each / most) * HEIGHT, 2) : 0
        // Buckets have no name but their place.
        // oxlint-disable-next-line react/no-array-index-key
        return height ? <rect key={index} className="failed" x={index + 0.1} width={0.8} y={HEIGHT - height} height={height} /> : null
      })}
    </svg>
  )
}
