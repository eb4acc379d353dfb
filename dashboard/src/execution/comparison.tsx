import type { JSX } from 'react'
import { ask } from '../api/api'
import { ErrorBox } from '../parts/error-box'
import { StatusWord } from '../parts/status'
import { usePolled } from '../parts/use-polled'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { duration } from '../time/time'
import { LAST_SUCCESS, tellingSteps, timesAsLong, valueText } from './compared'
import { Compare, type Comparison as Found, type Run, type StepPair } from './documents'
import { PartTitle } from './part-title'

const { compare } = runTexts

/** What differs from another run of the workflow: its trigger data, secrets without being shown, and its steps. */
export function Comparison({
  run, other, onCompare,
}: {
  run: Run
  /** The id of the other run, or LAST_SUCCESS. */
  other: string
  /** Compare with another run; null: no more. */
  onCompare: (other: string | null) => void
}): JSX.Element {
  const wanted = other === LAST_SUCCESS ? null : other
  // Again when the run changes: while it goes on, so do its steps.
  const { data, error, stale, again } = usePolled(`${run.id} ${other} ${run.state} ${run.stepCount}`, async (signal) => {
    const { execution } = await ask(Compare, { id: run.id, with: wanted }, { signal, exact: true })
    return { found: execution?.comparison ?? null }
  }, null)
  const shown = stale ? null : data
  return (
    <section className="part comparison-part" aria-labelledby="part-comparison" aria-busy={stale && !error}>
      <header>
        <PartTitle id="part-comparison">{compare.title}</PartTitle>
        {shown?.found && <Other found={shown.found} />}
        <span className="end">
          {other !== LAST_SUCCESS && (
            <button type="button" onClick={() => onCompare(LAST_SUCCESS)}>
              {compare.lastSuccess}
            </button>
          )}
          {run.previous && other !== run.previous.id && (
            <button type="button" onClick={() => onCompare(run.previous!.id)}>
              {compare.previous}
            </button>
          )}
          <button type="button" className="bare" aria-label={compare.close} onClick={() => onCompare(null)}>
            ✕
          </button>
        </span>
      </header>
      {error && <ErrorBox error={error} retry={again} />}
      {!shown && !error && <p className="skeleton">{texts.loading}</p>}
      {shown && !shown.found && !error && <p className="dim">{compare.none}</p>}
      {shown?.found && <Differences run={run} found={shown.found} />}
    </section>
  )
}

function Other({ found: { with: other } }: { found: Found }): JSX.Element {
  return (
    <a className="other" href={hrefs.execution(other.id)}>
      <StatusWord status={other.status} state={other.state} /> <When at={other.queuedAt} focusable />
    </a>
  )
}

function Differences({ run, found }: { run: Run; found: Found }): JSX.Element {
  const { triggerChanges: changes, steps, truncated, sealedCompared } = found
  const { telling, alike } = tellingSteps(steps)
  const same = changes.length === 0 && steps.every(({ kind }) => kind === null)
  return (
    <>
      {same && <p>{compare.nothing}</p>}
      {changes.length > 0 && (
        <div className="scroller" role="group" aria-label={compare.trigger} tabIndex={0}>
          <table>
            <caption>{compare.trigger}</caption>
            <thead>
              <tr>
                <th scope="col">{compare.where}</th>
                <th scope="col">{compare.before}</th>
                <th scope="col">{compare.now}</th>
              </tr>
            </thead>
            <tbody className="mono">
              {changes.map((change) => (
                <tr key={change.path} className={change.kind}>
                  <th scope="row">{change.path || compare.whole}</th>
                  {change.sealed && change.kind === 'CHANGED' ? (
                    <td colSpan={2}>{compare.sealed}</td>
                  ) : (
                    <>
                      <td>{change.kind === 'ADDED' ? <i>{compare.absent}</i> : valueText(change.before)}</td>
                      <td>{change.kind === 'REMOVED' ? <i>{compare.absent}</i> : valueText(change.after)}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {changes.length === 0 && !same && <p className="dim">{compare.sameTrigger}</p>}
      {truncated && <p className="dim">{compare.truncated}</p>}
      {!sealedCompared && <p className="dim">{compare.noKey}</p>}
      <div className="scroller" role="group" aria-label={compare.steps} tabIndex={0}>
        <table>
          <caption>{compare.steps}</caption>
          <thead>
            <tr>
              <th scope="col">{compare.step}</th>
              <th scope="col">{compare.before}</th>
              <th scope="col">{compare.now}</th>
              <th scope="col">{compare.took}</th>
            </tr>
          </thead>
          <tbody>
            <StepRow pair={{ name: compare.wholeRun, kind: null, before: found.with, after: run }} />
            {telling.map((pair, index) => (
              <StepRow key={index} pair={pair} />
            ))}
          </tbody>
        </table>
      </div>
      {alike > 0 && <p className="dim">{compare.alike(alike)}</p>}
    </>
  )
}

function StepRow({ pair: { name, kind, before, after } }: { pair: Omit<StepPair, 'before' | 'after'> & Record<'before' | 'after', Side | null> }): JSX.Element {
  const times = timesAsLong(before, after)
  return (
    <tr className={kind ?? ''}>
      <th scope="row">{name}</th>
      <td>{before ? <SideOf side={before} /> : <i>{compare.absent}</i>}</td>
      <td>{after ? <SideOf side={after} /> : <i>{compare.absent}</i>}</td>
      <td className="numbers">{times ?? texts.none}</td>
    </tr>
  )
}

type Side = Pick<NonNullable<StepPair['before']>, 'status' | 'state' | 'durationMs'>

function SideOf({ side }: { side: Side }): JSX.Element {
  return (
    <span className="side">
      <StatusWord status={side.status} state={side.state} />
      {side.durationMs !== null && <span className="dim numbers">{duration(side.durationMs)}</span>}
    </span>
  )
}
