import { type JSX, type ReactNode, useEffect, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type ApiError, askPartly } from '../api/api'
import type { ResultOf } from '../api/graphql'
import { errorTexts } from '../error-texts'
import { type Choice, NOTHING } from '../filter/filter'
import { StackTrace } from '../execution/stack-trace'
import { useViewer } from '../frame/viewer'
import { TimeFilter } from '../history/time-filter'
import { behind, figuresChoice, timed, windowOf, writeFigures } from '../metrics/figures'
import { CopyButton } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { FactsList } from '../parts/facts-list'
import { useZone } from '../parts/settings'
import { type Polled, usePolled } from '../parts/use-polled'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { Actions } from './actions'
import { type Group, OneGroup } from './documents'
import { Examples } from './examples'
import { Members } from './members'
import { OverTime } from './over-time'
import { StateMark } from './state'
import { Variables } from './variables'
import '../window-list/window-list.css'
import '../execution/execution.css'
import '../metrics/metrics.css'
import './errors.css'

interface Asked {
  data: ResultOf<typeof OneGroup>
  errors: ApiError[]
}

/** One error group: what it is, how it goes on, and what one can do about it. */
export function ErrorGroupPage({ id }: { id: string }): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const choice = useMemo((): Choice => ({ ...figuresChoice(search).choice, workflow: [], engine: [], trigger: [] }), [search])
  const asked = useGroup(id, choice)
  const node = asked.data?.data.node
  const group = node && 'message' in node ? node : null
  const failedOf = (root: string): ApiError | undefined => asked.data?.errors.find(({ path }) => path[0] === root)
  const missing = asked.data && !group && !failedOf('node')
  const title = group ? (group.type ?? group.message) : missing ? errorTexts.unknown : errorTexts.title
  const time = writeFigures(choice, 'failed')
  useEffect(() => {
    document.title = `${title} · ${texts.product}`
  }, [title])
  return (
    <div className="page window-page errors-page">
      <nav className="crumbs" aria-label={errorTexts.crumbs}>
        <a href={hrefs.errors(undefined, time)}>{errorTexts.title}</a>
      </nav>
      {!missing && (
        <header className="page-head">
          <h1>{title}</h1>
          <div className="end">
            <TimeFilter
              choice={timed(choice)}
              change={(part) => go(`/errors/${encodeURIComponent(id)}${query(writeFigures({ ...choice, ...part }, 'failed'))}`)}
              any={false}
            />
            {group && (
              <a className="button" href={hrefs.history(new URLSearchParams({ group: group.id }))}>
                {errorTexts.runs}
              </a>
            )}
          </div>
        </header>
      )}
      <div className={`body one ${asked.stale && asked.data ? 'stale' : ''}`} aria-busy={asked.stale}>
        {asked.error && <ErrorBox error={asked.error} retry={asked.again} />}
        {!missing && asked.data?.errors.map((error) => <ErrorBox key={String(error.path)} error={error} retry={asked.again} />)}
        {!asked.data && !asked.error && <p className="skeleton">{texts.loading}</p>}
        {missing && <Unknown />}
        {group && asked.data && <One group={group} choice={choice} found={asked.data.data} again={asked.again} />}
      </div>
    </div>
  )
}

/** The group and its runs in the time, again and again; a part that fails is null, and says so. */
function useGroup(id: string, choice: Choice): Polled<Asked> {
  const zone = useZone()
  return usePolled(`${id} ${zone} ${writeFigures(choice, 'failed')}`, async (signal, at) => {
    const { from, to } = windowOf(choice, at)
    const filter = { errorGroupId: [id], queuedFrom: new Date(from).toISOString(), queuedTo: new Date(to).toISOString() }
    return askPartly(OneGroup, { id, filter, unresolved: { ...filter, unresolved: true }, zone }, { signal })
  })
}

function One({
  group, choice, found, again,
}: {
  group: Group
  choice: Choice
  found: ResultOf<typeof OneGroup>
  again: () => void
}): JSX.Element {
  const viewer = useViewer()
  const { examples, newest, left, executionHistogram: histogram } = found
  const [run] = newest?.nodes ?? []
  const runs = behind(choice, { ...NOTHING, range: choice.range, from: choice.from, to: choice.to, group: [group.id] })
  return (
    <>
      {viewer?.role === 'ADMIN' && (
        <div className="actions" role="group" aria-label={errorTexts.actions}>
          <Actions group={group} choice={choice} unresolved={left?.totalCount.value !== 0} onChanged={again} />
        </div>
      )}
      <section className="message" aria-label={errorTexts.message}>
        <p>
          <Marked message={group.message} /> <CopyButton what={errorTexts.theMessage} text={group.message} />
        </p>
      </section>
      <div className="two">
        <Facts
          group={group}
          now={examples && texts.count(examples.totalCount)}
          unresolved={left && left.totalCount.value > 0 ? texts.count(left.totalCount) : null}
          choice={choice}
        />
        {histogram && <OverTime points={histogram.points} choice={choice} group={group.id} />}
      </div>
      {run?.error?.stackTrace && (
        <section className="newest-trace" aria-labelledby="newest-trace">
          <h2 id="newest-trace">
            {errorTexts.traceOf} <a href={hrefs.execution(run.id)}>{errorTexts.newestRun}</a>
          </h2>
          <StackTrace text={run.error.stackTrace} frames={run.error.frames} />
        </section>
      )}
      <div className="two">
        {examples && <Examples runs={examples.nodes} all={hrefs.history(runs)} total={examples.totalCount} />}
        {group.variables.length > 0 && <Variables parts={group.variables} />}
      </div>
      {group.members.length > 0 && <Members members={group.members} admin={viewer?.role === 'ADMIN'} onChanged={again} />}
    </>
  )
}

function Facts({ group, now, unresolved, choice }: { group: Group; now: string | null; unresolved: string | null; choice: Choice }): JSX.Element {
  const { fact } = errorTexts
  const rows: [string, ReactNode][] = [
    [fact.state, <StateMark key="state" state={group.state} mutedUntil={group.mutedUntil} />],
    [fact.count, <span key="count" className="numbers">{texts.number(group.count)}{now !== null && <span className="dim"> · {errorTexts.inThisTime(now)}</span>}</span>],
    [
      fact.unresolved,
      unresolved === null ? (
        texts.none
      ) : (
        <a key="left" className="some numbers" href={hrefs.history(behind(choice, { group: [group.id], unresolved: true }))}>
          {errorTexts.inThisTime(unresolved)}
        </a>
      ),
    ],
    [fact.first, <When key="first" at={group.firstSeenAt} focusable />],
    [fact.last, <When key="last" at={group.lastSeenAt} focusable />],
    [
      fact.workflows,
      <ul key="workflows" className="names">
        {group.workflows.map(({ name, count }) => (
          <li key={name}>
            <a href={hrefs.history(behind(choice, { group: [group.id], workflow: [name] }))}>{name}</a>{' '}
            <span className="dim numbers">{texts.count(count)}</span>
          </li>
        ))}
      </ul>,
    ],
    [fact.split, group.splitBy.length ? group.splitBy.map((by) => errorTexts.splitBy[by]).join(', ') : null],
  ]
  return (
    <section className="facts-part" aria-label={errorTexts.facts}>
      <FactsList rows={rows.filter(([, value]) => value !== null)} />
    </section>
  )
}

/** A message whose placeholders stand out. */
function Marked({ message }: { message: string }): JSX.Element {
  const pieces = message.split(/(<[a-z]+>)/)
  return (
    <>
      {pieces.map((piece, place) =>
        // Pieces have no name but their place.
        // oxlint-disable-next-line react/no-array-index-key
        place % 2 ? <mark key={place}>{piece}</mark> : piece,
      )}
    </>
  )
}

function query(parameters: URLSearchParams): string {
  return parameters.size ? `?${parameters}` : ''
}

function Unknown(): JSX.Element {
  return (
    <div className="empty" role="status">
      <h1>{errorTexts.unknown}</h1>
      <p>{errorTexts.unknownHint}</p>
      <a className="button" href={hrefs.errors()}>
        {errorTexts.toErrors}
      </a>
    </div>
  )
}
