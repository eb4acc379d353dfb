import { type JSX, useEffect, useState } from 'react'
import { ask } from '../api/api'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { Kept } from './documents'

/** An id that nothing has, or no longer. */
export function Missing({ id, deleted, sheet }: { id: string; deleted: boolean; sheet: boolean }): JSX.Element {
  const Title = sheet ? 'h2' : 'h1'
  const [days, setDays] = useState<number | null>(null)
  useEffect(() => {
    const asking = new AbortController()
    ask(Kept, {}, { signal: asking.signal }).then(
      ({ server }) => setDays(server?.keptDays ?? null),
      () => {}, // then it is said without the number
    )
    return () => asking.abort()
  }, [])
  return (
    <div className="detail missing" role="status">
      <Title>{deleted ? runTexts.execution.deleted : runTexts.execution.unknown}</Title>
      <p>{deleted ? runTexts.execution.deletedWhy(days) : runTexts.execution.unknownWhy(days)}</p>
      <p className="mono dim">{id}</p>
      <p className="ways">
        <a className="button" href={hrefs.history(new URLSearchParams({ q: id }))}>
          {runTexts.execution.searchId}
        </a>
        <a className="button" href={hrefs.history()}>
          {runTexts.execution.toHistory}
        </a>
      </p>
    </div>
  )
}
