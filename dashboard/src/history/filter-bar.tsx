import type { JSX, Ref } from 'react'
import { type Choice, STATUSES, type Status, withoutValue, withValue } from '../filter/filter'
import { useIsPhone } from '../parts/row-height'
import { StatusIcon } from '../parts/status'
import { useZone } from '../parts/settings'
import type { Count } from '../counts'
import { texts } from '../texts'
import { AddFilter } from './add-filter'
import { Chips, chipsOf } from './chips'
import { FilterSheet } from './filter-sheet'
import { SearchField } from './search-field'
import type { Summary } from './use-summary'

interface Props {
  choice: Choice
  change: (part: Partial<Choice>, replace?: boolean) => void
  facets: Summary['facets']
  searchRef: Ref<HTMLInputElement>
  onOpen: (run: string) => void
  /** How many match. */
  total: Count | null
}

/** Everything that narrows the list: search, status with counts, and a chip for each other filter. */
export function FilterBar({ choice, change, facets, searchRef, onOpen, total }: Props): JSX.Element {
  const phone = useIsPhone()
  const zone = useZone()
  const unresolved = (
    <button type="button" aria-pressed={choice.unresolved} onClick={() => change({ unresolved: !choice.unresolved })}>
      {texts.filter.unresolved} <Counted facets={facets} of="unresolved" count={facets.data?.unresolved ?? null} />
    </button>
  )
  return (
    <search className="filter-bar">
      <div className="line">
        <SearchField value={choice.q} onChange={(q) => change({ q }, true)} onOpen={onOpen} ref={searchRef} />
        {phone ? (
          <FilterSheet
            chosen={chipsOf(choice, zone).length + (choice.unresolved ? 1 : 0)}
            shows={texts.filter.show(total ? texts.count(total) : null)}
          >
            <Chips choice={choice} change={change} />
            {unresolved}
            <AddFilter choice={choice} change={change} />
          </FilterSheet>
        ) : (
          <AddFilter choice={choice} change={change} />
        )}
        <div role="group" aria-label={texts.filter.status} className="statuses">
          {STATUSES.map((status) => (
            <StatusChip
              key={status}
              status={status}
              facets={facets}
              chosen={choice.status.includes(status)}
              onPress={(add) => change({ status: nextStatuses(choice, status, add) })}
            />
          ))}
          {!phone && unresolved}
        </div>
      </div>
      {!phone && <Chips choice={choice} change={change} />}
    </search>
  )
}

/** A click chooses that status alone, or lets it go; with Ctrl or ⌘ it adds one. */
function nextStatuses(choice: Choice, status: Status, add: boolean): Status[] {
  if (choice.status.includes(status)) return withoutValue(choice, 'status', status).status!
  return add ? withValue(choice, 'status', status).status! : [status]
}

/** How many there are, or why that is not known. */
function Counted({
  facets,
  of,
  count,
}: {
  facets: Summary['facets']
  of: 'status' | 'unresolved'
  count: Count | null
}): JSX.Element {
  const error = count ? null : (facets.missing.get(of) ?? facets.error)
  return (
    <output className="numbers" title={error?.message} aria-label={error ? texts.filter.uncounted(error.message) : undefined}>
      {error ? texts.filter.unknown : count ? texts.count(count) : ''}
    </output>
  )
}

function StatusChip({
  status,
  facets,
  chosen,
  onPress,
}: {
  status: Status
  facets: Summary['facets']
  chosen: boolean
  onPress: (add: boolean) => void
}): JSX.Element {
  const count = facets.data?.status?.find((each) => each.status === status)?.count ?? null
  return (
    <button type="button" aria-pressed={chosen} onClick={(event) => onPress(event.ctrlKey || event.metaKey)}>
      <StatusIcon status={status} />
      <span className="word">{texts.status[status]}</span> <Counted facets={facets} of="status" count={count} />
    </button>
  )
}
