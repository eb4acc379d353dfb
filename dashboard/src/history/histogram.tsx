import { type JSX, type KeyboardEvent, lazy, type PointerEvent, Suspense, useRef, useState } from 'react'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { axisEnds, brief } from '../time/time'
import type { Histogram as Data } from './documents'

const HistogramTable = lazy(async () => ({ default: (await import('./histogram-table')).HistogramTable }))

const HEIGHT = 40
const PARTS = ['failed', 'pending', 'cancelled', 'succeeded'] as const
const DAY_MS = 86_400_000

/**
 * Runs over time, as bars of SVG: they cost nothing, scale with CSS, and read as one sentence to assistive technology.
 * Dragging chooses a time; Escape and a double click widen it again; arrows move it, + and - zoom.
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
  const [tabled, setTabled] = useState(false)
  const [pointed, setPointed] = useState<number | null>(null)
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
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && (brush || narrowed)) {
      event.stopPropagation()
      setBrush(null)
      if (narrowed) onWiden()
      return
    }
    // Of the window's length: how far its start and its end move.
    const by = ({ ArrowLeft: [-1, -1], ArrowRight: [1, 1], '+': [0.25, -0.25], '-': [-0.5, 0.5] } as const)[event.key]
    if (!by || !first || !last) return
    event.preventDefault()
    const [start, end] = [Date.parse(first.start), Date.parse(last.end)]
    const [from, to] = [start + by[0] * (end - start), end + by[1] * (end - start)]
    if (to - from >= 1000) onPick(new Date(from).toISOString(), new Date(to).toISOString())
  }

  const total = points.reduce((sum, point) => sum + point.total, 0)
  const failed = points.reduce((sum, point) => sum + point.failed, 0)
  const said = first && last ? texts.histogram.says(total, failed, brief(first.start, zone), brief(last.end, zone)) : ''
  const shown = pointed === null ? undefined : points[pointed]
  const ends = first && last ? axisEnds(first.start, last.end, zone) : null
  return (
    <figure className="histogram" aria-label={texts.histogram.title}>
      {/* An image with a name, and a brush for those who have a pointer: its keys do the same. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <svg
        ref={svg}
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={said || texts.histogram.title}
        tabIndex={0}
        onKeyDown={press}
        onDoubleClick={() => narrowed && onWiden()}
        onPointerDown={(event) => {
          if (!points.length || event.button !== 0) return
          event.currentTarget.setPointerCapture(event.pointerId)
          setBrush([at(event), at(event)])
        }}
        onPointerMove={(event) => {
          if (points.length) setPointed(at(event))
          if (brush) setBrush([brush[0], at(event)])
        }}
        onPointerLeave={() => setPointed(null)}
        onPointerUp={pick}
        onPointerCancel={() => setBrush(null)}
      >
        <pattern id="failed" width="1" height="3" patternUnits="userSpaceOnUse">
          <rect className="failed" width="1" height="3" />
          <rect className="gap" width="1" height="0.8" />
        </pattern>
        {pointed !== null && <rect className="pointed" x={pointed * width} width={width} y={0} height={HEIGHT} />}
        {points.map((point, index) => {
          const pending = point.total - point.succeeded - point.failed - point.cancelled
          const values = { failed: point.failed, pending, cancelled: point.cancelled, succeeded: point.succeeded }
          let y = HEIGHT
          return PARTS.map((part) => {
            if (!values[part]) return null
            // Whatever there is can be seen: a thirtieth of the height at least.
            const height = Math.max((values[part] / top) * (HEIGHT - 2), HEIGHT / 30)
            y -= height
            return (
              <rect key={`${point.start} ${part}`} className={`part ${part}`} x={(index + 0.08) * width} width={width * 0.84} y={y} height={height} />
            )
          })
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
        <span>{ends?.[0]}</span>
        <span className="middle">
          {shown ? (
            texts.histogram.bar(`${brief(shown.start, zone)} – ${brief(shown.end, zone).slice(end(shown))}`, shown.total, shown.failed)
          ) : (
            <span>
              {data && total === 0 && texts.histogram.caption(0, false)}
              {data && total > 0 && (
                <button
                  type="button"
                  className="link"
                  title={texts.histogram.asTable}
                  aria-label={`${texts.histogram.caption(total, data.kind === 'AT_LEAST')}: ${texts.histogram.asTable}`}
                  aria-haspopup="dialog"
                  onClick={() => setTabled(true)}
                >
                  {texts.histogram.caption(total, data.kind === 'AT_LEAST')}
                </button>
              )}
              {data && total > 0 && <span className="hover"> · {texts.histogram.drag}</span>}
            </span>
          )}
          {narrowed && !shown && (
            <button type="button" className="link" onClick={onWiden}>
              {texts.histogram.widen}
            </button>
          )}
        </span>
        <span>{ends?.[1]}</span>
      </figcaption>
      {tabled && (
        <Suspense>
          <HistogramTable points={points} onPick={onPick} onClose={() => setTabled(false)} />
        </Suspense>
      )}
    </figure>
  )
}

/** Where the end of a bar begins to say something new: its time, where the day is that of its start. */
function end({ start, end: to }: Data['points'][number]): number {
  return Date.parse(to) - Date.parse(start) < DAY_MS ? -5 : 0
}
