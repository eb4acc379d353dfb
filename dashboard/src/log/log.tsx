import { type JSX, type Ref, useEffect, useImperativeHandle, useMemo, useRef, useSyncExternalStore } from 'react'
import { LiveLog } from '../live/live-log'
import type { LogLine } from '../live/log-documents'
import { announce } from '../parts/announce'
import { ErrorBox } from '../parts/error-box'
import { PartTitle } from '../execution/part-title'
import { runTexts } from '../run-texts'
import { Find } from './find-bar'
import { Levels } from './levels'
import { Lines, type LinesHandle } from './lines'
import './log.css'
import { errorAfter, sourceOf, type Wanted } from './source'
import { LEVELS, type LogView } from './view'
import { ViewMenu } from './view-menu'

export interface LogHandle {
  /** Look at the lines of one step. */
  showStep(id: string): void
  /** Mark the next error line after the marked one; false: there is none. */
  nextError(): Promise<boolean>
}

interface Props {
  executionId: string
  pending: boolean
  startedAt: string
  steps: readonly { id: string; index: number; name: string }[]
  view: LogView
  ref: Ref<LogHandle>
}

/** The log of a run: any number of lines, a screenful of them in the document; it follows its end while the run runs. */
export function Log({ executionId, pending, startedAt, steps, view, ref }: Props): JSX.Element {
  const step = view.step === null ? null : (steps.find(({ index }) => index === view.step)?.id ?? null)
  const { level } = view
  const filter = view.only ? view.search : ''
  const wanted = useMemo<Wanted>(() => ({ level, step, search: filter }), [level, step, filter])
  const log = useMemo(() => new LiveLog(sourceOf(executionId, wanted)), [executionId, wanted])
  useSyncExternalStore(log.subscribe, () => log.version)
  const lines = useRef<LinesHandle>(null)
  const section = useRef<HTMLElement>(null)
  // What is looked at stays in view when the filter changes, if one has scrolled or marked something.
  const anchor = useRef<string | null>(view.line)
  const first = useRef(true)
  useEffect(() => {
    const around = anchor.current
    const open = async (): Promise<void> => {
      const place = await log.open(around === null ? { end: true } : { around })
      if (place === null) return
      lines.current?.show(place, around === null || log.lost ? 'end' : 'center')
      if (first.current && around !== null) section.current?.scrollIntoView({ block: 'nearest' })
      first.current = false
    }
    void open()
    return () => log.close()
  }, [log])

  const show = async (id: string, number: number | null): Promise<void> => {
    const place = await log.locate(id, number)
    if (place !== null) lines.current?.show(place, 'center')
  }
  const mark = async (line: Pick<LogLine, 'id' | 'number'>): Promise<void> => {
    anchor.current = line.id
    view.change({ line: line.id })
    await show(line.id, line.number)
  }
  useImperativeHandle(ref, () => ({
    showStep(id) {
      anchor.current = null
      view.change({ step: steps.find((each) => each.id === id)?.index ?? null, line: null })
      section.current?.scrollIntoView({ block: 'nearest' })
    },
    async nextError() {
      const place = view.line === null ? null : log.placeOf(view.line)
      const next = await errorAfter(executionId, wanted, place === null ? null : (log.line(place) ?? null))
      if (!next) return false
      await mark(next)
      section.current?.scrollIntoView({ block: 'nearest' })
      announce(next.message)
      return true
    },
  }))

  const filtered = view.level !== 'TRACE' || step !== null || filter !== ''
  const empty = !log.opening && !log.error && log.total === 0
  const some = log.counts !== null && LEVELS.some((each) => log.counts![each] > 0)
  return (
    <section ref={section} className="part log-part" aria-labelledby="part-log">
      <header>
        <PartTitle id="part-log">{runTexts.log.title(log.opening || (empty && !filtered) ? null : runTexts.log.count(log.total, log.atLeast))}</PartTitle>
        {empty && !filtered && <p className="dim">{runTexts.log.none}</p>}
        <span className="end">
          {(some || filtered) && <ViewMenu executionId={executionId} log={log} wanted={wanted} filtered={filtered} />}
        </span>
      </header>
      {log.lost && <p className="notice">{runTexts.log.lineGone}</p>}
      {(some || filtered || log.opening) && (
        <div className="log-tools" role="group" aria-label={runTexts.log.tools}>
          <Levels counts={log.counts} atLeast={log.atLeast} level={view.level} onChange={(to) => view.change({ level: to })} />
          {steps.length > 1 && (
            <select
              value={view.step ?? ''}
              aria-label={runTexts.log.step}
              onChange={(event) => view.change({ step: event.target.value === '' ? null : Number(event.target.value) })}
            >
              <option value="">{runTexts.log.allSteps}</option>
              {steps.map(({ id, index, name }) => (
                <option key={id} value={index}>
                  {name}
                </option>
              ))}
            </select>
          )}
          <Find
            executionId={executionId}
            wanted={wanted}
            view={view}
            total={log.total}
            from={() => lines.current?.top() ?? null}
            onShow={(match) => {
              anchor.current = match.id
              lines.current?.point(match.id)
              void show(match.id, match.number)
            }}
          />
        </div>
      )}
      {log.error && <ErrorBox error={log.error} retry={() => log.again()} />}
      {empty ? (
        filtered && (
          <p className="dim none">
            {runTexts.log.noneMatch}{' '}
            <button type="button" className="link" onClick={() => view.change({ level: 'TRACE', step: null, only: false })}>
              {runTexts.log.showAll}
            </button>
          </p>
        )
      ) : (
        !(log.error && log.opening) && (
          <Lines
            ref={lines}
            log={log}
            executionId={executionId}
            startedAt={startedAt}
            pending={pending}
            search={view.search}
            marked={view.line}
            onMark={(line) => view.change({ line })}
            onAnchor={(id) => (anchor.current = id)}
          />
        )
      )}
    </section>
  )
}
