import { type JSX, useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useSettings } from '../parts/settings'
import { labels } from './axis'
import type { Point } from './documents'
import { bucketAt } from './figures'

/** A series: told apart by its shape and dash, not by its colour alone. */
export interface Line {
  /** A custom property of the page. */
  colour: string
  shape: 'bars' | 'filled' | 'hollow'
  dash?: number[]
}

interface Props {
  points: readonly Point[]
  lines: readonly Line[]
  /** Of each line, a value for each point. */
  values: readonly (readonly (number | null)[])[]
  write: (value: number) => string
  /** Whether only whole numbers can be. */
  whole?: boolean
  zone: string
  /** A period that was dragged, as instants in ms. */
  pick: (one: number, other: number) => void
  /** Where a cursor points, in this chart or in the other one. */
  point: (index: number | null) => void
  /** A bucket that was clicked. */
  open: (index: number) => void
}

const CURSOR = 'metrics'
const HEIGHT = 190
const LEAST_DRAG_PX = 4
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6]
/** Steps of an axis of durations, in ms: those that are written shortly. */
const DURATIONS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800].map((s) => s * 1_000),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 192].map((h) => h * 3_600_000),
]
const FONT = '11px system-ui, sans-serif'

/** A chart of uPlot, drawn on a canvas; its name and its table are beside it. Nothing in it moves by itself. */
export function Plot(props: Props): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot>(null)
  const latest = useRef(props)
  latest.current = props
  const { zone, lines, points, values } = props
  const { theme } = useSettings()

  useEffect(() => {
    const element = place.current!
    const make = (): void => {
      chart.current?.destroy()
      chart.current = new UPlot(options(element, latest), data(latest.current), element)
    }
    make()
    const sized = new ResizeObserver(() => chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    sized.observe(element)
    // What is drawn on a canvas does not follow the page's colours by itself.
    const looks = ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)'].map((query) => matchMedia(query))
    for (const look of looks) look.addEventListener('change', make)
    return () => {
      sized.disconnect()
      for (const look of looks) look.removeEventListener('change', make)
      chart.current?.destroy()
      chart.current = null
    }
  }, [zone, theme, lines])
  const drawn = useRef(points)
  useEffect(() => {
    if (drawn.current === points) return // the chart was made with them
    drawn.current = points
    chart.current?.setData(data(latest.current))
  }, [points, values])

  return <div ref={place} className="canvas" />
}

function seconds(iso: string): number {
  return Date.parse(iso) / 1000
}

function data({ points, values }: Props): UPlot.AlignedData {
  return [startsOf(points), ...values.map((each) => [...each])] as UPlot.AlignedData
}

/**
 * Where each bucket is drawn. The first begins with the window, which may be soon before it ends: it is drawn as long as the
 * one behind it, because the least distance between two gives all bars their width.
 */
function startsOf(points: readonly Point[]): number[] {
  const starts = points.map(({ start }) => seconds(start))
  const [first, second, third] = starts
  if (first !== undefined && second !== undefined && third !== undefined) starts[0] = Math.min(first, second - (third - second))
  return starts
}

function options(element: HTMLElement, latest: { current: Props }): UPlot.Options {
  const { zone, lines } = latest.current
  const colour = colours(element)
  const axis = { stroke: colour('--dim'), font: FONT, ticks: { stroke: colour('--line'), size: 4 }, grid: { stroke: colour('--hair'), width: 1 } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    tzDate: (at) => UPlot.tzDate(new Date(at * 1000), zone),
    scales: {
      // The window, to the end of its last bucket, not the first and last start.
      x: { time: true, range: () => window_(latest.current.points) },
      y: { range: (_, __, most) => [0, latest.current.whole ? Math.max(4, most) : most > 0 ? most * 1.05 : 1] },
    },
    axes: [
      { ...axis, size: 38, space: 70, values: (_, splits, __, ___, step) => labels(splits, step, zone) },
      {
        ...axis,
        size: latest.current.whole ? 48 : 74,
        incrs: latest.current.whole ? WHOLE : DURATIONS,
        values: (_, splits) => splits.map((value) => latest.current.write(value)),
      },
    ],
    series: [{}, ...lines.map((line) => series(line, colour(line.colour), colour('--surface')))],
    cursor: {
      y: false,
      points: { show: lines[0]?.shape !== 'bars' },
      // A bar stands right of the start of its bucket: what is nearest to the pointer may be the next one.
      dataIdx: (_, __, ___, at) => bucketAt(latest.current.points, at * 1000),
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG_PX },
      // The other chart follows the pointer alone: a drag is of the chart in which it began.
      sync: { key: CURSOR, filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true } },
    },
    hooks: {
      ready: [(self) => self.over.addEventListener('click', () => latest.current.open(pointedAt(self, latest.current.points) ?? -1))],
      setCursor: [(self) => latest.current.point(pointedAt(self, latest.current.points))],
      setSelect: [
        (self) => {
          const { left, width } = self.select
          if (width < LEAST_DRAG_PX) return
          const [from, to] = [self.posToVal(left, 'x'), self.posToVal(left + width, 'x')]
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          latest.current.pick(from * 1000, to * 1000)
        },
      ],
    },
  }
}

/** The bucket at the cursor; null while it is elsewhere. */
function pointedAt(self: UPlot, points: readonly Point[]): number | null {
  const { left = -1 } = self.cursor
  return left < 0 || points.length === 0 ? null : bucketAt(points, self.posToVal(left, 'x') * 1000)
}

function window_(points: readonly Point[]): [number, number] {
  const [first] = startsOf(points)
  const [before, last] = [points.at(-2), points.at(-1)]
  if (first === undefined || !last) return [0, 1]
  // The last bucket ends with the window, which may be soon after it begins: its bar has the width of the others.
  const width = before ? seconds(last.start) - seconds(before.start) : 0
  return [first, Math.max(seconds(last.end), seconds(last.start) + width)]
}

function series({ shape, dash }: Line, stroke: string, surface: string): UPlot.Series {
  if (shape === 'bars') {
    const paths = UPlot.paths.bars?.({ align: 1, size: [0.84, 40] })
    return { stroke, fill: stroke, width: 0, points: { show: false }, ...(paths ? { paths } : {}) }
  }
  const fill = shape === 'filled' ? stroke : surface
  return { stroke, width: 1.6, ...(dash ? { dash } : {}), points: { show: true, size: shape === 'filled' ? 5 : 6, stroke, fill } }
}

/** The page's colours as a canvas takes them, in the theme that is shown. */
function colours(element: HTMLElement): (property: string) => string {
  return (property) => {
    element.style.color = `var(${property})`
    const { color } = getComputedStyle(element)
    element.style.color = ''
    return color
  }
}
