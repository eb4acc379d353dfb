import type { JSX } from 'react'
import { hrefs } from '../routes'
import { texts as common } from '../texts'

/** A list without rows: because nothing matches, which can be widened, or because there is nothing yet. */
export function Nothing({
  texts,
  narrowed,
  onClear,
}: {
  texts: { none: string; noneHint: string; noneMatches: string; clear: string }
  narrowed: boolean
  onClear: () => void
}): JSX.Element {
  return (
    <div className="empty" role="status">
      <h2>{narrowed ? texts.noneMatches : texts.none}</h2>
      {narrowed ? (
        <button type="button" onClick={onClear}>
          {texts.clear}
        </button>
      ) : (
        <>
          <p>{texts.noneHint}</p>
          <a className="button" href={hrefs.history()}>
            {common.frame.toHistory}
          </a>
        </>
      )}
    </div>
  )
}
