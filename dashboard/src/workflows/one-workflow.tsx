import { type JSX, type ReactNode, useEffect, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { Choice } from '../filter/filter'
import { TimeFilter } from '../history/time-filter'
import { Cards } from '../metrics/cards'
import { Charts } from '../metrics/charts'
import { figuresChoice, timed, writeFigures } from '../metrics/figures'
import { TopErrors } from '../metrics/lists'
import { useFigures } from '../metrics/use-figures'
import { NO_FILTER } from '../metrics/window-filters'
import { ErrorBox } from '../parts/error-box'
import { FactsList } from '../parts/facts-list'
import { useZone } from '../parts/settings'
import { StatusWord } from '../parts/status'
import { useAsked } from '../parts/use-asked'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { duration } from '../time/time'
import { workflowTexts } from '../workflow-texts'
import { Bars } from './bars'
import { OneWorkflow, type Triggers, type Workflow, WorkflowTriggers } from './documents'
import { WorkflowRules } from './rules'
import { WorkflowRuns } from './runs'
import { InARow, Overdue, OVERDUE_FACTOR } from './table'
import '../window-list/window-list.css'
import '../metrics/metrics.css'
import './workflows.css'

/** One workflow: what it did last, and its figures in a time. */
export function WorkflowPage({ id }: { id: string }): JSX.Element {
  const { data, error, again } = useAsked(OneWorkflow, { id })
  const time = writeFigures({ ...figuresChoice(useSearch()).choice, ...NO_FILTER }, 'failed')
  const workflow = data?.workflow
  const title = workflow?.name ?? (data ? workflowTexts.unknown : workflowTexts.title)
  useEffect(() => {
    document.title = `${title} · ${texts.product}`
  }, [title])
  return (
    <div className="page window-page workflows-page">
      <nav className="crumbs" aria-label={workflowTexts.crumbs}>
        <a href={hrefs.workflows(undefined, time)}>{workflowTexts.title}</a>
      </nav>
      {workflow ? (
        <One workflow={workflow} />
      ) : (
        <div className="body">
          {!data && <h1>{title}</h1>}
          {error && <ErrorBox error={error} retry={again} />}
          {!data && !error && <p className="skeleton">{texts.loading}</p>}
          {data && <Unknown />}
        </div>
      )}
    </div>
  )
}

function One({ workflow }: { workflow: Workflow }): JSX.Element {
  const { id, name, engine } = workflow
  const search = useSearch()
  const [, go] = useLocation()
  const zone = useZone()
  const choice = useMemo(
    (): Choice => ({ ...figuresChoice(search).choice, workflow: [name], engine: [engine.name], trigger: [] }),
    [search, name, engine.name],
  )
  const { figures, errors, stale, again } = useFigures(choice, zone, null)
  const triggers = useAsked(WorkflowTriggers, { id })
  const facets = triggers.data?.executionFacets ?? null
  const change = (part: Partial<Choice>): void => {
    const query = writeFigures({ ...choice, ...part, workflow: [], engine: [] }, 'failed')
    go(`/workflows/${encodeURIComponent(id)}${query.size ? `?${query}` : ''}`)
  }
  return (
    <>
      <header className="page-head">
        <h1>{name}</h1>
        <div className="end">
          <TimeFilter choice={timed(choice)} change={change} any={false} />
          <a className="button" href={hrefs.history(new URLSearchParams({ workflow: name, engine: engine.name }))}>
            {workflowTexts.runs}
          </a>
        </div>
      </header>
      <div className="body">
        <Facts workflow={workflow} triggers={facets?.triggerKind ?? null} />
        {triggers.error && <ErrorBox error={triggers.error} retry={triggers.again} />}
        <div className={`metrics one ${stale && figures ? 'stale' : ''}`} aria-busy={stale}>
          {errors.figures.map((error) => (
            <ErrorBox key={String(error.path)} error={error} retry={again} />
          ))}
          {figures && <Cards figures={figures} choice={choice} />}
          {!figures && errors.figures.length === 0 && <p className="skeleton">{texts.loading}</p>}
          {figures?.metrics && (
            <>
              <Charts
                metrics={figures.metrics}
                choice={choice}
                onPick={(from, to) => change({ range: null, from, to })}
                onOpen={(runs) => go(`/history?${runs}`)}
              />
              <TopErrors errors={figures.metrics.topErrors} choice={choice} />
            </>
          )}
        </div>
        <WorkflowRules workflow={workflow} />
        <WorkflowRuns workflow={workflow} total={facets?.total ?? null} />
      </div>
    </>
  )
}

function Facts({ workflow, triggers }: { workflow: Workflow; triggers: Triggers | null }): JSX.Element {
  const { name, engine, recent, consecutiveFailures: inARow, usualGapMs: gap, overdue } = workflow
  const { fact } = workflowTexts
  const [last] = recent
  const rows: [string, ReactNode][] = [
    [fact.engine, <a key="engine" href={hrefs.engines(engine.name)}>{engine.name}</a>],
    [
      fact.last,
      last ? (
        <a key="last" className="last" href={hrefs.execution(last.id)}>
          <StatusWord status={last.status} state={last.state} /> <When at={last.queuedAt} />
        </a>
      ) : (
        workflowTexts.never
      ),
    ],
    [fact.row, inARow ? <span key="row" className="some"><InARow count={inARow} name={name} engine={engine.name} /></span> : workflowTexts.noFailures],
    [
      fact.gap,
      <span key="gap">
        {gap === null ? workflowTexts.noGap : workflowTexts.gap(duration(gap * OVERDUE_FACTOR))} {overdue && <Overdue gap={null} />}
      </span>,
    ],
    [fact.triggers, triggers && triggers.length > 0 ? <TriggerKinds key="triggers" workflow={workflow} triggers={triggers} /> : null],
  ]
  return (
    <section className="facts-part" aria-label={workflowTexts.facts}>
      <FactsList rows={rows} />
      {last && <Bars runs={recent} name={name} />}
    </section>
  )
}

/** What sets it off, the most frequent first, each with the way to those runs. */
function TriggerKinds({ workflow: { name, engine }, triggers }: { workflow: Workflow; triggers: Triggers }): JSX.Element {
  return (
    <span className="triggers">
      {triggers.map((kind) => (
        <a
          key={kind.name}
          href={hrefs.history(new URLSearchParams({ workflow: name, engine: engine.name, trigger: kind.name }))}
          aria-label={workflowTexts.triggeredBy(kind.name, texts.count(kind.count))}
        >
          {kind.name} <span className="dim numbers">{texts.count(kind.count)}</span>
        </a>
      ))}
    </span>
  )
}

function Unknown(): JSX.Element {
  return (
    <div className="empty" role="status">
      <h1>{workflowTexts.unknown}</h1>
      <p>{workflowTexts.unknownHint}</p>
      <a className="button" href={hrefs.workflows()}>
        {workflowTexts.toWorkflows}
      </a>
    </div>
  )
}
