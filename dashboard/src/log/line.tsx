import { type JSX, memo, useState } from 'react'
import type { LogLine } from '../live/log-documents'
import { JsonTree } from '../parts/json-tree'
import { runTexts } from '../run-texts'
import { clockTime, millis, offset } from '../time/time'
import { preview } from './as-text'
import { LineText } from './line-text'

interface Props {
  line: LogLine
  place: number
  startedAt: string
  /** Null: times since the start of the run. */
  zone: string | null
  search: string
  href: string
  marked: boolean
  pointed: boolean
  focusable: boolean
  onMark: (line: LogLine, place: number, extend: boolean) => void
}

/** A line of a log: its number is a link to it, its attributes fold open. */
export const Line = memo(function Line({ line, place, startedAt, zone, search, href, marked, pointed, focusable, onMark }: Props): JSX.Element {
  const [open, setOpen] = useState(false)
  const number = line.number === null ? '' : String(line.number)
  return (
    <div
      id={`line-${line.id}`}
      data-place={place}
      aria-current={marked ? 'true' : undefined}
      className={`log-line ${line.level} ${marked ? 'marked' : ''} ${pointed ? 'pointed' : ''}`}
    >
      <a
        href={href}
        className="number"
        tabIndex={focusable ? 0 : -1}
        aria-label={number ? runTexts.log.linkTo(number) : runTexts.log.thisLine}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey) return
          event.preventDefault()
          onMark(line, place, event.shiftKey)
        }}
      >
        {number}
      </a>
      <time dateTime={line.at} title={line.at} className="dim">
        {zone === null ? offset(millis(line.at) - millis(startedAt)) : clockTime(line.at, zone)}
      </time>
      <span className="level">{runTexts.log.levels[line.level]}</span>
      <div className="text">
        {line.step && <span className="step-name">{line.step.name}</span>}
        <LineText line={line} search={search} />
        {line.attributes !== null && (
          <>
            {' '}
            <button type="button" className="attributes" aria-expanded={open} tabIndex={focusable ? 0 : -1} onClick={() => setOpen(!open)}>
              <span aria-hidden="true">{open ? '▾' : '▸'}</span> {open ? runTexts.log.attributes : preview(line.attributes)}
            </button>
            {open && <JsonTree label={runTexts.log.attributes} value={line.attributes} />}
          </>
        )}
      </div>
    </div>
  )
})

/** A line that is on its way. */
export function Unknown({ place, number, width }: { place?: number; number?: number | null; width: number }): JSX.Element {
  return (
    <div data-place={place} className="log-line unknown" aria-hidden="true">
      <span className="number">{number}</span>
      <span className="skeleton" style={{ width: `${width}%` }}>
        .
      </span>
    </div>
  )
}
