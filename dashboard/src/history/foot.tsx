import type { JSX } from 'react'
import { filterOf } from '../filter/api-filter'
import type { Choice } from '../filter/filter'
import type { LiveList } from '../live/live-list'
import { CopyButton } from '../parts/copy'
import type { Count } from '../counts'
import { texts } from '../texts'
import { now } from '../time/clock'
import { ExportButton } from './export-button'
import type { Column } from './columns'
import type { Selection } from './use-selection'

/** Below the list: what is selected and what can be done with it, else how much of the list is loaded. */
export function Foot({
  list,
  total,
  selection,
  choice,
  columns,
  onRetry,
  onResolve,
}: {
  list: LiveList
  total: Count | null
  selection: Selection
  choice: Choice
  columns: readonly Column[]
  onRetry: () => void
  /** Null: the viewer may not. */
  onResolve: (() => void) | null
}): JSX.Element {
  const { ids, size, all } = selection
  const more = list.hasNext && !all && size >= list.ids.length
  return (
    <footer className="table-foot">
      {size > 0 ? (
        <div className="selection" role="group" aria-label={texts.history.selection}>
          <b className="numbers">
            {all ? texts.history.allSelected(total ? texts.count(total) : null) : texts.history.selected(size)}
          </b>
          <button type="button" onClick={onRetry}>
            {texts.retry.bulk}
          </button>
          {onResolve && (
            <button type="button" onClick={onResolve}>
              {texts.history.resolveByHand}
            </button>
          )}
          {!all && (
            <CopyButton className="" what={texts.history.ids} text={() => [...ids].join('\n')}>
              {texts.history.copyIds}
            </CopyButton>
          )}
          <ExportButton
            filter={() => (all ? filterOf(choice, now()) : { id: [...ids] })}
            selected={all ? null : size}
            columns={columns}
          />
          <button type="button" onClick={selection.clear}>
            {texts.history.clearSelection}
          </button>
          {more && (
            <button type="button" className="link" onClick={selection.selectAll}>
              {texts.history.selectAllOf(total ? texts.count(total) : null)}
            </button>
          )}
        </div>
      ) : (
        <p className="dim numbers">{shownOf(list, total)}</p>
      )}
      {list.dropped > 0 && <p className="dim">{texts.history.dropped(list.dropped)}</p>}
    </footer>
  )
}

function shownOf({ ids, hasNext }: LiveList, total: Count | null): string {
  if (!ids.length) return ''
  return hasNext ? texts.history.shownOf(ids.length, total ? texts.count(total) : null) : texts.history.shownAll(ids.length)
}
