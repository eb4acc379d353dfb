import { type JSX, useEffect, useState } from 'react'
import { ask, given } from '../api/api'
import type { Choice } from '../filter/filter'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { AnyRun } from './documents'
import { chipsOf } from './filter-bar'
import { FirstEvent } from './first-event'

/** Nothing to list: because nothing was ever reported, or because nothing matches. */
export function Empty({
  choice,
  narrowed,
  change,
  onClear,
}: {
  choice: Choice
  narrowed: boolean
  change: (part: Partial<Choice>) => void
  onClear: () => void
}): JSX.Element | null {
  const [any, setAny] = useState<boolean | null>(null)
  const zone = useZone()
  useEffect(() => {
    const asking = new AbortController()
    ask(AnyRun, {}, { signal: asking.signal }).then(
      ({ executions }) => setAny(given(executions).nodes.length > 0),
      () => {},
    )
    return () => asking.abort()
  }, [])
  if (any === null) return null
  if (!any) return <FirstEvent />
  return (
    <div className="empty" role="status">
      <h2>{texts.history.nothingMatches}</h2>
      {narrowed && (
        <>
          <ul>
            {chipsOf(choice, zone).map(({ key, text, without }) => (
              <li key={key}>
                <button type="button" onClick={() => change(without)}>
                  {texts.history.without(text)}
                </button>
              </li>
            ))}
          </ul>
          <button type="button" className="primary" onClick={onClear}>
            {texts.filter.clear}
          </button>
        </>
      )}
    </div>
  )
}
