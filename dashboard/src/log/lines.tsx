import {
  type JSX, type KeyboardEvent, type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useReducer, useRef, useState,
} from 'react'
import { flushSync } from 'react-dom'
import type { LiveLog } from '../live/live-log'
import type { LogLine } from '../live/log-documents'
import { useSettings, useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { fitWindow } from './fit-window'
import { Foot } from './foot'
import { Line, Unknown } from './line'
import { RowHeights } from './row-heights'
import { useMarks } from './use-marks'

/** The height of a line that is not wrapped; log.css has it too. */
const LINE = 22
const OVERSCAN = 10
/** So near the end counts as the end. */
const END_PX = 24

export interface LinesHandle {
  /** Scroll to a place, once. */
  show(place: number, align: 'center' | 'end'): void
  /** Mark what was found. */
  point(id: string): void
  /** The line at the top of what is looked at. */
  top(): LogLine | null
}

interface Props {
  log: LiveLog
  executionId: string
  startedAt: string
  pending: boolean
  search: string
  marked: string | null
  onMark: (line: string | null) => void
  /** The line that stays in view when the filter changes; null: the end. */
  onAnchor: (id: string | null) => void
  ref: Ref<LinesHandle>
}

/** A window on the log: its scrollbar is true, its lines come as one looks at them, and it follows the end. */
export function Lines({ log, executionId, startedAt, pending, search, marked, onMark, onAnchor, ref }: Props): JSX.Element {
  const { wrapLog: wrap, logClock } = useSettings()
  const zone = useZone()
  const scroller = useRef<HTMLDivElement>(null)
  const space = useRef<HTMLDivElement>(null)
  const [heights] = useState(() => new RowHeights(LINE))
  const [, draw] = useReducer((count: number) => count + 1, 0)
  const [atEnd, setAtEnd] = useState(true)
  const [tall, setTall] = useState(false)
  const [pointed, setPointed] = useState<string | null>(null)
  const [focus, setFocus] = useState<string | null>(null)
  /** Where to be, until somebody scrolls. */
  const target = useRef<{ place: number; align: 'center' | 'end' } | null>(null)
  const view = useRef({ top: 0, height: 0, width: 0 })
  heights.resize(log.total)

  const { current: element } = scroller
  const from = Math.max(0, heights.at(view.current.top) - OVERSCAN)
  const to = Math.min(log.total, heights.at(view.current.top + view.current.height) + 1 + OVERSCAN)
  useEffect(() => log.look(from, to))

  const read = useCallback((): void => {
    const { current } = scroller
    if (!current) return
    view.current = { ...view.current, top: current.scrollTop, height: current.clientHeight }
  }, [])
  /** Scroll to where one is to be: what is measured on the way moves it. */
  const settle = useCallback((): void => {
    const { current } = scroller
    if (!current || !target.current) return
    const { place, align } = target.current
    // What was just measured is not rendered yet: without its height the end would be out of reach.
    if (space.current) space.current.parentElement!.style.height = `${heights.total}px`
    const { clientHeight } = current
    const top = heights.top(place)
    const wanted = align === 'end' ? heights.top(place + 1) - clientHeight : top - (clientHeight - LINE) / 2
    current.scrollTop = Math.max(0, wanted)
    read()
  }, [heights, read])

  useLayoutEffect(() => {
    const { current } = scroller
    if (!current) return
    const fit = (): void => fitWindow(current, tall)
    fit()
    addEventListener('resize', fit)
    const observer = new ResizeObserver(() => {
      if (current.clientWidth !== view.current.width) heights.clear()
      view.current = { top: current.scrollTop, height: current.clientHeight, width: current.clientWidth }
      settle()
      draw()
    })
    observer.observe(current)
    return () => {
      removeEventListener('resize', fit)
      observer.disconnect()
    }
  }, [heights, settle, tall])
  useLayoutEffect(() => {
    heights.clear()
    settle()
    draw()
  }, [wrap, heights, settle])
  const digits = String(Math.max(100, log.total)).length

  // Following: the end stays in view as it grows, unless somebody has scrolled away from it.
  const follows = atEnd && log.total > 0
  useLayoutEffect(() => {
    if (follows && (target.current === null || target.current.align === 'end')) {
      target.current = { place: log.total - 1, align: 'end' }
      settle()
      draw()
    }
    if (follows) log.seen()
  }, [log, log.total, follows, settle])

  // Measured after each render: lines that wrap, or whose attributes are open, are higher. It ends when nothing grew.
  // oxlint-disable-next-line react/exhaustive-deps
  useLayoutEffect(() => {
    const { current } = scroller
    if (!current || !space.current) return
    // Here alone, and not by a property: `settle` sets it too, and React would not notice.
    space.current.parentElement!.style.height = `${log.opening ? LINE * 6 : heights.total}px`
    let before = 0
    let changed = false
    for (const row of space.current.children) {
      const { place: given } = (row as HTMLElement).dataset
      if (given === undefined) continue
      const place = Number(given)
      const top = heights.top(place)
      const grown = heights.set(place, (row as HTMLElement).offsetHeight)
      if (grown === 0) continue
      changed = true
      if (top < current.scrollTop) before += grown
    }
    if (!changed) return
    if (target.current) settle()
    else if (before) current.scrollTop += before // what is looked at stays where it is
    read()
    draw()
  })

  useImperativeHandle(ref, () => ({
    show(place, align) {
      target.current = { place, align }
      setAtEnd(align === 'end' && place === log.total - 1)
      heights.resize(log.total)
      settle()
      draw()
    },
    point: setPointed,
    top: () => log.line(heights.at(scroller.current?.scrollTop ?? 0)) ?? null,
  }))

  const scrolled = (): void => {
    const { current } = scroller
    if (!current) return
    read()
    draw()
    const end = current.scrollHeight - current.scrollTop - current.clientHeight < END_PX
    if (target.current && target.current.align !== 'end') return
    if (end !== atEnd) setAtEnd(end)
    if (end) onAnchor(null)
    else if (!target.current) onAnchor(log.line(heights.at(current.scrollTop + current.clientHeight / 2))?.id ?? null)
  }
  /** Somebody scrolls by hand: from here on nothing else does. */
  const byHand = (): void => {
    target.current = null
  }
  /** Scroll no further than it takes to have a place in view, so that its line is rendered. */
  const reveal = (place: number): void => {
    const { current } = scroller
    if (!current) return
    const [top, bottom] = [heights.top(place), heights.top(place + 1)]
    current.scrollTop = Math.min(Math.max(current.scrollTop, bottom - current.clientHeight), top)
    read()
  }
  const toStart = (): void => {
    target.current = { place: 0, align: 'center' }
    setAtEnd(false)
    settle()
    draw()
  }
  const toEnd = (): void => {
    target.current = { place: log.total - 1, align: 'end' }
    setAtEnd(true)
    log.seen()
    settle()
    draw()
  }

  const { span, mark, unmark, copyMarked } = useMarks({ log, executionId, marked, onMark })
  const press = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey || event.ctrlKey) return
    const places = Array.from({ length: to - from }, (_, at) => from + at)
    const current = places.find((place) => log.line(place)?.id === focus)
    if (event.key === 'End') toEnd()
    else if (event.key === 'Home') toStart()
    else if (event.key === 'Escape' && (span !== null || marked !== null)) {
      unmark()
      event.stopPropagation()
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const next = current === undefined ? heights.at(scroller.current?.scrollTop ?? 0) : current + (event.key === 'ArrowDown' ? 1 : -1)
      const line = log.line(next)
      if (!line) return
      byHand()
      reveal(next)
      // At once: the next key is that of the line, however soon it comes.
      flushSync(() => {
        setAtEnd(false)
        setFocus(line.id)
      })
      const row = document.getElementById(`line-${line.id}`)
      row?.scrollIntoView({ block: 'nearest' })
      row?.querySelector<HTMLElement>('.number')?.focus({ preventScroll: true })
      read()
    } else {
      if (event.key === 'PageUp' || event.key === 'PageDown' || event.key === ' ') byHand()
      return
    }
    event.preventDefault()
  }

  const places = Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at)
  const start = heights.top(from)
  const reached = log.total === 0 ? 0 : heights.at(view.current.top + view.current.height) + 1
  return (
    <div className="lines-place">
      {/* It scrolls, and has the keys for that. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={scroller}
        className={`log-lines mono ${wrap ? 'wrap' : ''}`}
        role="log"
        aria-live="off"
        style={{ '--digits': digits } as React.CSSProperties}
        aria-label={runTexts.execution.log}
        aria-busy={log.loading || log.opening}
        tabIndex={0}
        onScroll={scrolled}
        onWheel={byHand}
        onTouchMove={byHand}
        onPointerDown={(event) => event.target === element && byHand()}
        onKeyDown={press}
      >
        <div role="presentation" className="log-space">
          <div ref={space} role="presentation" style={{ transform: `translateY(${start}px)` }}>
            {log.opening && [46, 70, 38, 61, 52, 44].map((width, at) => <Unknown key={at} width={width} />)}
            {places.map((place) => {
              const line = log.line(place)
              return line ? (
                <Line
                  key={line.id}
                  line={line}
                  place={place}
                  startedAt={startedAt}
                  zone={logClock ? zone : null}
                  search={search}
                  href={`${hrefs.execution(executionId)}?line=${encodeURIComponent(line.id)}`}
                  marked={line.id === marked || (span !== null && place >= span[0] && place < span[1])}
                  pointed={line.id === pointed}
                  focusable={line.id === focus}
                  onMark={mark}
                />
              ) : (
                <Unknown key={`unknown ${place}`} place={place} number={log.source.whole ? place + 1 : null} width={20 + ((place * 37) % 50)} />
              )
            })}
          </div>
        </div>
      </div>
      <Foot
        log={log}
        shown={[heights.at(view.current.top) + 1, Math.min(log.total, reached)]}
        marked={span}
        pending={pending}
        atEnd={atEnd}
        onStart={toStart}
        onEnd={toEnd}
        onCopy={() => void copyMarked()}
        onUnmark={unmark}
        tall={tall}
        onTall={() => {
          setTall(!tall)
          requestAnimationFrame(() => scroller.current?.closest('section')?.scrollIntoView({ block: tall ? 'nearest' : 'start' }))
        }}
      />
      {!atEnd && log.fresh > 0 && (
        <button type="button" className="pill" onClick={toEnd}>
          ↓ {runTexts.log.fresh(log.fresh)}
        </button>
      )}
    </div>
  )
}
