import { type JSX, useEffect, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { textOf, type VariablesOf } from '../api/graphql'
import type { Choice } from '../filter/filter'
import { Icon } from '../frame/icons'
import { TimeFilter } from '../history/time-filter'
import { metricsTexts as texts } from '../metrics-texts'
import { copyAddress } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { texts as common } from '../texts'
import { brief, clockTime } from '../time/time'
import { Cards } from './cards'
import { Charts } from './charts'
import { Figures } from './documents'
import { figuresChoice, keptFrom, timed, windowOf, writeFigures } from './figures'
import { ByWorkflow, TopErrors } from './lists'
import { useFigures } from './use-figures'
import { WindowFilters } from './window-filters'
import './metrics.css'

/** How it goes: figures of a time beside those of the time before it, and the way from each to its runs. */
export function Metrics(): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const { choice, unknown, order } = useMemo(() => figuresChoice(search), [search])
  const zone = useZone()
  const state = useFigures(choice, zone, order)
  const { figures, errors, asOf, variables, workflows, stale, again } = state
  const graphiql = useMemo(() => variables && inGraphiql(variables), [variables])
  const metrics = figures?.metrics
  const before = figures?.before
  const at = Date.parse(asOf ?? '')
  const kept = figures && keptFrom(windowOf(choice, at), figures.server?.keptDays ?? null, at)
  const change = (part: Partial<Choice>, by = order): void => {
    const query = writeFigures({ ...choice, ...part }, by)
    go(`/metrics${query.size ? `?${query}` : ''}`)
  }
  const pick = (from: string, to: string): void => change({ range: null, from, to })
  useEffect(() => {
    document.title = `${texts.title} · ${common.product}`
  }, [])
  return (
    <div className="page metrics">
      <header className="page-head">
        <h1>{texts.title}</h1>
        <div className="end">
          <TimeFilter choice={timed(choice)} change={change} any={false} />
          <button type="button" className="bare" onClick={copyAddress}>
            <Icon name="link" /> <span className="word">{texts.share}</span>
          </button>
          {graphiql && (
            <a className="button bare" href={graphiql}>
              <Icon name="graphiql" /> <span className="word">{common.history.openInGraphiql}</span>
            </a>
          )}
        </div>
      </header>
      <search className="filter-bar">
        <div className="line">
          <WindowFilters choice={choice} change={change} shows={texts.showFigures} />
          <p className="scope dim">
            <span className="said">
              {before && <span>{texts.comparedWith(brief(before.from, zone), brief(before.to, zone))}</span>}
              {asOf !== null && <span className="numbers">{texts.asOf(clockTime(asOf, zone).slice(0, 8))}</span>}
            </span>
            <button type="button" className="bare" aria-label={texts.again} onClick={again}>
              <Icon name="refreshed" />
            </button>
          </p>
        </div>
      </search>
      {unknown.length > 0 && (
        <p className="notice" role="status">
          {common.history.unknown(unknown)}
          <button type="button" onClick={() => change({})}>
            {common.history.forget}
          </button>
        </p>
      )}
      <div className={`figures ${stale && figures ? 'stale' : ''}`} aria-busy={stale}>
        {errors.figures.map((error) => (
          <ErrorBox key={String(error.path)} error={error} retry={again} />
        ))}
        {figures ? <Cards figures={figures} choice={choice} /> : errors.figures.length === 0 && <Skeleton />}
        {kept !== null && <p className="dim">{texts.kept(brief(new Date(kept).toISOString(), zone))}</p>}
        {metrics && <Charts metrics={metrics} choice={choice} onPick={pick} onOpen={(runs) => go(`/history?${runs}`)} />}
        <div className="lists">
          {metrics && <TopErrors errors={metrics.topErrors} choice={choice} />}
          {errors.workflows && <ErrorBox error={errors.workflows} retry={again} />}
          {workflows && (
            <ByWorkflow
              workflows={workflows}
              choice={choice}
              order={order}
              onOrder={(by) => change({}, by)}
              onOnly={(workflow) => change({ workflow: [workflow] })}
            />
          )}
        </div>
      </div>
    </div>
  )
}

/** The room that the cards will take. */
function Skeleton(): JSX.Element {
  return (
    <ul className="cards" aria-hidden="true">
      {[1, 2, 3, 4, 5, 6].map((each) => (
        <li key={each} className="card">
          <span className="skeleton">{common.loading}</span>
        </li>
      ))}
    </ul>
  )
}

/** GraphiQL with the very query of the page. */
function inGraphiql(variables: VariablesOf<typeof Figures>): string {
  const parameters = { query: textOf(Figures), variables: JSON.stringify(variables, null, 2) }
  return `${hrefs.graphiql}#${new URLSearchParams(parameters)}`
}
