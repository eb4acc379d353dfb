import { type JSX, lazy, Suspense, useEffect, useState } from 'react'
import { ask, askPartly, given } from '../api/api'
import { filterOf } from '../filter/api-filter'
import { type Choice, isNarrowed, NOTHING, writeChoice } from '../filter/filter'
import { useZone } from '../parts/settings'
import type { Count } from '../counts'
import type { LiveList } from '../live/live-list'
import { texts } from '../texts'
import { now } from '../time/clock'
import { allChipsOf, type Chip } from './chips'
import { AnyRun, Total } from './documents'
import { useGroupNames } from './groups'

// Seen once in the life of a database.
const FirstEvent = lazy(async () => ({ default: (await import('./first-event')).FirstEvent }))

/** Nothing to list: because nothing was ever reported, or because nothing matches. */
export function Empty({
  choice,
  change,
  list,
}: {
  choice: Choice
  change: (part: Partial<Choice>) => void
  list: LiveList
}): JSX.Element | null {
  const [any, setAny] = useState<boolean | null>(null)
  useEffect(() => {
    const asking = new AbortController()
    ask(AnyRun, {}, { signal: asking.signal }).then(
      ({ executions }) => setAny(given(executions).nodes.length > 0),
      () => asking.signal.aborted || setAny(true), // then the list is all there is to go by
    )
    return () => asking.abort()
  }, [])
  if (any === null) return null
  if (!any) {
    return (
      <Suspense>
        <FirstEvent list={list} />
      </Suspense>
    )
  }
  return (
    <div className="empty" role="status">
      <h2>{texts.history.nothingMatches}</h2>
      {isNarrowed(choice) && <WayOut choice={choice} change={change} />}
    </div>
  )
}

/** Which filter to take away, and how many runs that gives. */
function WayOut({ choice, change }: { choice: Choice; change: (part: Partial<Choice>) => void }): JSX.Element | null {
  const zone = useZone()
  const [ways, setWays] = useState<{ chip: Chip; count: Count | null }[] | null>(null)
  const key = writeChoice(choice).toString()
  useGroupNames(choice.group)
  useEffect(() => {
    const asking = new AbortController()
    const count = async (without: Partial<Choice>): Promise<Count | null> => {
      const filter = filterOf({ ...choice, ...without }, now())
      const { data } = await askPartly(Total, { filter }, { signal: asking.signal })
      return data.executionFacets?.total ?? null
    }
    const chips = allChipsOf(choice, zone)
    Promise.all(chips.map(async (chip) => ({ chip, count: await count(chip.without).catch(() => null) }))).then((found) => {
      if (!asking.signal.aborted) setWays(found)
    }, () => {})
    return () => asking.abort()
    // oxlint-disable-next-line react/exhaustive-deps
  }, [key])
  if (ways === null) return null
  const some = ways.filter(({ count }) => count?.value !== 0)
  const helpful = some.length > 0 ? some : ways
  return (
    <>
      <ul>
        {helpful.map(({ chip, count }) => (
          <li key={chip.key}>
            <button type="button" onClick={() => change(chip.without)}>
              <span>{texts.history.without(chip.text)}</span> <b className="numbers">{count && texts.counted(count)}</b>
            </button>
          </li>
        ))}
      </ul>
      {ways.length > 1 && (
        <button type="button" className="primary" onClick={() => change(NOTHING)}>
          {texts.filter.clear}
        </button>
      )}
    </>
  )
}
