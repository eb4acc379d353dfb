import type { JSX } from 'react'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'

/** An id that nothing has, or no longer. */
export function Missing({ id, deleted, sheet }: { id: string; deleted: boolean; sheet: boolean }): JSX.Element {
  const Title = sheet ? 'h2' : 'h1'
  return (
    <div className="detail missing" role="status">
      <Title>{deleted ? runTexts.execution.deleted : runTexts.execution.unknown}</Title>
      <p>{deleted ? runTexts.execution.deletedWhy : runTexts.execution.unknownWhy}</p>
      <p className="mono dim">{id}</p>
      <p className="ways">
        <a className="button primary" href={hrefs.history(new URLSearchParams({ q: id }))}>
          {runTexts.execution.searchId}
        </a>
        <a className="button" href={hrefs.history()}>
          {runTexts.execution.toHistory}
        </a>
      </p>
    </div>
  )
}
