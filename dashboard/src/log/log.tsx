import { useVirtualizer } from '@tanstack/react-virtual'
import { type JSX, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { ask } from '../api/api'
import { follow } from '../api/follow'
import { LiveLog, type LogSource } from '../live/live-log'
import { LogAppended, type LogLine, LogPage } from '../live/log-documents'
import { CopyButton } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { changeSettings, useSettings } from '../parts/settings'
import { texts } from '../texts'
import { duration, millis } from '../time/time'
import { piecesOf } from './ansi'
import './log.css'

export const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL'] as const
export type Level = (typeof LEVELS)[number]

const PAGE = 100
const LINE = 22
const OVERSCAN = 20
const DEBOUNCE_MS = 250
/** So near the end counts as the end. */
const END_PX = 40

interface Wanted {
  level: Level
  step: string
  search: string
}

function sourceOf(id: string, { level, step, search }: Wanted): LogSource {
  const lowered = search.toLowerCase()
  return {
    async page({ after, before, fromEnd }, signal) {
      const { executionLogs } = await ask(
        LogPage,
        {
          id,
          ...(fromEnd ? { last: PAGE } : { first: PAGE }),
          after: after ?? null,
          before: before ?? null,
          minLevel: level === 'TRACE' ? null : level,
          stepId: step || null,
          search: search || null,
        },
        { signal },
      )
      const pageInfo = executionLogs?.pageInfo
      return {
        lines: executionLogs?.nodes ?? [],
        startCursor: pageInfo?.startCursor ?? null,
        endCursor: pageInfo?.endCursor ?? null,
        hasBefore: pageInfo?.hasPreviousPage ?? false,
        hasAfter: pageInfo?.hasNextPage ?? false,
        updatesCursor: executionLogs?.updatesCursor ?? '',
      }
    },
    follow: (cursor, next) =>
      follow(LogAppended, () => ({ id, after: cursor() || null }), ({ executionLogAppended: { cursor: at, entry } }) => next(at, entry)),
    shows: (line) =>
      LEVELS.indexOf(line.level) >= LEVELS.indexOf(level) &&
      (!step || line.step?.id === step) &&
      line.message.toLowerCase().includes(lowered),
  }
}

/** The log of a run: any number of lines, a screenful of them in the document; it follows its end while the run runs. */
export function Log({
  executionId,
  pending,
  startedAt,
  steps,
}: {
  executionId: string
  pending: boolean
  startedAt: string
  steps: readonly { id: string; name: string }[]
}): JSX.Element {
  const [wanted, setWanted] = useState<Wanted>({ level: 'TRACE', step: '', search: '' })
  const [typed, setTyped] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setWanted((before) => (before.search === typed ? before : { ...before, search: typed })), DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  const log = useMemo(() => new LiveLog(sourceOf(executionId, wanted)), [executionId, wanted])
  useEffect(() => {
    void log.open(true) // its end: that is where it failed, or where it is
    return () => log.close()
  }, [log])
  useSyncExternalStore(log.subscribe, () => log.version)
  const { wrapLog } = useSettings()
  return (
    <div className="log">
      <div className="log-tools" role="group" aria-label={texts.log.tools}>
        <label>
          <span className="visually-hidden">{texts.log.level}</span>
          <select value={wanted.level} onChange={(event) => setWanted({ ...wanted, level: event.target.value as Level })}>
            {LEVELS.map((level) => (
              <option key={level} value={level}>
                {level === 'TRACE' ? texts.log.allLevels : texts.log.from(texts.log.levels[level])}
              </option>
            ))}
          </select>
        </label>
        {steps.length > 1 && (
          <label>
            <span className="visually-hidden">{texts.log.step}</span>
            <select value={wanted.step} onChange={(event) => setWanted({ ...wanted, step: event.target.value })}>
              <option value="">{texts.log.allSteps}</option>
              {steps.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <input
          type="search"
          value={typed}
          aria-label={texts.log.find}
          placeholder={texts.log.find}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="button" aria-pressed={wrapLog} onClick={() => changeSettings({ wrapLog: !wrapLog })}>
          {texts.log.wrap}
        </button>
        <CopyButton className="" what={texts.log.loaded} text={() => log.lines.map(asText).join('\n')}>
          {texts.copy.copy}
        </CopyButton>
      </div>
      {log.error && <ErrorBox error={log.error} retry={() => void log.open(true)} />}
      {!log.loading && !log.error && log.lines.length === 0 ? (
        <p className="dim none">{wanted.level !== 'TRACE' || wanted.step || wanted.search ? texts.log.noneMatch : texts.log.none}</p>
      ) : (
        <Lines log={log} startedAt={startedAt} wrap={wrapLog} following={pending} />
      )}
    </div>
  )
}

function Lines({ log, startedAt, wrap, following }: { log: LiveLog; startedAt: string; wrap: boolean; following: boolean }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const { lines } = log
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: OVERSCAN,
    getItemKey: (index) => lines[index]!.id,
  })
  useEffect(() => virtual.measure(), [wrap, virtual])
  const first = lines[0]?.id
  const shownFirst = useRef(first)
  const count = useRef(lines.length)
  useEffect(() => {
    // Lines that came in front must not move what is looked at.
    const grown = lines.length - count.current
    if (shownFirst.current !== undefined && shownFirst.current !== first && grown > 0 && !atEnd) {
      const index = lines.findIndex(({ id }) => id === shownFirst.current)
      if (index > 0) virtual.scrollToIndex(index, { align: 'start' })
    } else if (atEnd && lines.length) virtual.scrollToIndex(lines.length - 1, { align: 'end' })
    shownFirst.current = first
    count.current = lines.length
    // oxlint-disable-next-line react/exhaustive-deps
  }, [lines, first, virtual])
  const scrolled = (): void => {
    const element = scroller.current
    if (!element) return
    const end = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX
    setAtEnd(end)
    if (end) {
      log.seen()
      if (log.hasAfter) void log.after()
    }
    if (element.scrollTop < END_PX * 4) void log.before()
  }
  const toEnd = async (): Promise<void> => {
    if (log.hasAfter) await log.jump(true)
    log.seen()
    virtual.scrollToIndex(log.lines.length - 1, { align: 'end' })
    setAtEnd(true)
  }
  return (
    <div className="lines-place">
      <div
        ref={scroller}
        className={`lines mono ${wrap ? 'wrap' : ''}`}
        role="log"
        aria-live="off"
        aria-label={texts.execution.log}
        aria-busy={log.loading !== null}
        tabIndex={0}
        onScroll={scrolled}
        style={{ height: virtual.getTotalSize() + 2 }}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => (
            <div
              key={item.key}
              data-index={item.index}
              ref={virtual.measureElement}
              className={`line ${lines[item.index]!.level}`}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Line line={lines[item.index]!} startedAt={startedAt} />
            </div>
          ))}
        </div>
      </div>
      <p className="log-foot dim">
        <span className="numbers">{texts.log.shown(lines.length, log.hasBefore || log.hasAfter)}</span>
        {following && <span>{atEnd && !log.hasAfter ? texts.log.following : texts.log.notFollowing}</span>}
        {log.hasBefore && (
          <button type="button" className="link" onClick={() => void log.jump(false)}>
            {texts.log.toStart}
          </button>
        )}
      </p>
      {!atEnd && log.fresh > 0 && (
        <button type="button" className="pill" onClick={() => void toEnd()}>
          ↓ {texts.log.fresh(log.fresh)}
        </button>
      )}
    </div>
  )
}

function Line({ line, startedAt }: { line: LogLine; startedAt: string }): JSX.Element {
  const offset = millis(line.at) - millis(startedAt)
  return (
    <>
      <time dateTime={line.at} title={line.at} className="dim">
        {offset < 0 ? '−' : '+'}
        {duration(Math.abs(offset))}
      </time>
      <span className="level">{texts.log.levels[line.level]}</span>
      <span className="text">
        {line.step && <span className="dim">{line.step.name} </span>}
        {piecesOf(line.message).map((piece, index) => (
          <span key={index} className={piece.classes}>
            {piece.text}
          </span>
        ))}
        {line.truncated && <em className="dim"> {texts.log.truncated}</em>}
        {line.attributes !== null && <code className="attributes dim"> {JSON.stringify(line.attributes)}</code>}
      </span>
    </>
  )
}

function asText(line: LogLine): string {
  return `${line.at} ${line.level} ${line.step ? `[${line.step.name}] ` : ''}${line.message}`
}
