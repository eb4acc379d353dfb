import { type JSX, type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import type { ResultOf } from '../api/graphql'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { brief } from '../time/time'
import type { Summary } from './documents'

type Data = NonNullable<ResultOf<typeof Summary>['executionHistogram']>
const HEIGHT = 40
const PARTS = ['failed', 'pending', 'cancelled', 'succeeded'] as const

/**
 * Runs over time, as bars of SVG: they cost nothing, scale with CSS, and read as one sentence and a table to assistive
 * technology. Dragging chooses a time; Escape and a double click widen it again.
 */
export function Histogram({
  data,
  onPick,
  onWiden,
  narrowed,
}: {
  data: Data | null
  onPick: (from: string, to: string) => void
  onWiden: () => void
  narrowed: boolean
}): JSX.Element {
  const zone = useZone()
  const svg = useRef<SVGSVGElement>(null)
  const [brush, setBrush] = useState<[number, number] | null>(null)
  const points = data?.points ?? []
  const first = points[0]
  const last = points.at(-1)
  const top = Math.max(1, ...points.map((point) => point.total))
  const width = 100 / Math.max(1, points.length)

  const at = (event: PointerEvent): number => {
    const box = svg.current!.getBoundingClientRect()
    const index = Math.floor(((event.clientX - box.left) / box.width) * points.length)
    return Math.max(0, Math.min(points.length - 1, index))
  }
  const pick = (): void => {
    if (!brush) return
    const [from, to] = [Math.min(...brush), Math.max(...brush)]
    setBrush(null)
    onPick(points[from]!.start, points[to]!.end)
  }
  const shift = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && (brush || narrowed)) {
      event.stopPropagation()
      setBrush(null)
      if (narrowed) onWiden()
    } else if (first && last && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault()
      const length = Date.parse(last.end) - Date.parse(first.start)
      const by = event.key === 'ArrowLeft' ? -length : length
      const moved = (iso: string): string => new Date(Date.parse(iso) + by).toISOString()
      onPick(moved(first.start), moved(last.end))
    }
  }

  const total = points.reduce((sum, point) => sum + point.total, 0)
  const failed = points.reduce((sum, point) => sum + point.failed, 0)
  const said = first && last ? texts.histogram.says(total, failed, brief(first.start, zone), brief(last.end, zone)) : ''
  return (
    <figure className="histogram" aria-label={texts.histogram.title}>
      {/* An image with a name, and a brush for those who have a pointer: its keys do the same. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        ref={svg}
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={said}
        tabIndex={0}
        onKeyDown={shift}
        onDoubleClick={() => narrowed && onWiden()}
        onPointerDown={(event) => {
          if (!points.length || event.button !== 0) return
          event.currentTarget.setPointerCapture(event.pointerId)
          setBrush([at(event), at(event)])
        }}
        onPointerMove={(event) => brush && setBrush([brush[0], at(event)])}
        onPointerUp={pick}
        onPointerCancel={() => setBrush(null)}
      >
        {points.map((point, index) => {
          const pending = point.total - point.succeeded - point.failed - point.cancelled
          const values = { failed: point.failed, pending, cancelled: point.cancelled, succeeded: point.succeeded }
          let y = HEIGHT
          return (
            <g key={point.start} className="bar">
              <title>{texts.histogram.bar(brief(point.start, zone), point.total, point.failed)}</title>
              <rect className="hit" x={index * width} width={width} y={0} height={HEIGHT} />
              {PARTS.map((part) => {
                if (!values[part]) return null
                // Whatever there is can be seen: a thirtieth of the height at least.
                const height = Math.max((values[part] / top) * (HEIGHT - 2), HEIGHT / 30)
                y -= height
                return <rect key={part} className={part} x={index * width + width * 0.1} width={width * 0.8} y={y} height={height} />
              })}
            </g>
          )
        })}
        {brush && (
          <rect
            className="brush"
            x={Math.min(...brush) * width}
            width={(Math.abs(brush[1] - brush[0]) + 1) * width}
            y={0}
            height={HEIGHT}
          />
        )}
      </svg>
      <figcaption>
        <span>{first && brief(first.start, zone)}</span>
        <span>
          {data && texts.histogram.caption(total, data.kind === 'AT_LEAST')}{' '}
          {narrowed && (
            <button type="button" className="link" onClick={onWiden}>
              {texts.histogram.widen}
            </button>
          )}
        </span>
        <span>{last && brief(last.end, zone)}</span>
      </figcaption>
    </figure>
  )
}
