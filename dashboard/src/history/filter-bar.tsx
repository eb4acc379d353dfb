import { type JSX, type Ref, useEffect, useRef, useState } from 'react'
import { MIN_SEARCH } from '../filter/api-filter'
import { type Choice, isNarrowed, NOTHING, STATUSES, type Status, writeDuration } from '../filter/filter'
import { StatusIcon } from '../parts/status'
import { useZone } from '../parts/settings'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { brief } from '../time/time'
import { AddFilter } from './add-filter'
import type { SummaryState } from './use-summary'

const DEBOUNCE_MS = 250
const ID = /^execution_[0-9a-f]{32}$/

interface Props {
  choice: Choice
  change: (part: Partial<Choice>, replace?: boolean) => void
  summary: SummaryState
  searchRef: Ref<HTMLInputElement>
}

/** Everything that narrows the list: search, status with counts, and a chip for each other filter. */
export function FilterBar({ choice, change, summary, searchRef }: Props): JSX.Element {
  return (
    <search className="filter-bar">
      <div className="line">
        <SearchField value={choice.q} onChange={(q) => change({ q }, true)} ref={searchRef} />
        <div role="group" aria-label={texts.filter.status} className="statuses">
          {STATUSES.map((status) => (
            <StatusChip
              key={status}
              status={status}
              count={<Counted summary={summary} of={status} />}
              chosen={choice.status.includes(status)}
              onPress={(add) => change({ status: nextStatuses(choice.status, status, add), state: [] })}
            />
          ))}
          <button
            type="button"
            aria-pressed={choice.unresolved}
            onClick={() => change({ unresolved: !choice.unresolved })}
          >
            {texts.filter.unresolved} <Counted summary={summary} of="unresolved" />
          </button>
        </div>
        <AddFilter choice={choice} change={change} />
      </div>
      <Chips choice={choice} change={change} />
    </search>
  )
}

/** A click chooses that status alone, or lets it go; with Ctrl or ⌘ it adds one. */
export function nextStatuses(chosen: readonly Status[], status: Status, add: boolean): Status[] {
  if (chosen.includes(status)) return chosen.filter((each) => each !== status)
  return add ? [...chosen, status] : [status]
}

/** How many there are, or why that is not known. */
function Counted({ summary, of }: { summary: SummaryState; of: Status | 'unresolved' }): JSX.Element {
  const error = summary.errors.get(of)
  const count = summary.data?.[of]?.totalCount
  return (
    <output className="numbers" title={error?.message} aria-label={error && texts.filter.uncounted(error.message)}>
      {error ? texts.filter.unknown : count ? texts.count(count) : ''}
    </output>
  )
}

function StatusChip({
  status,
  count,
  chosen,
  onPress,
}: {
  status: Status
  count: JSX.Element
  chosen: boolean
  onPress: (add: boolean) => void
}): JSX.Element {
  return (
    <button type="button" aria-pressed={chosen} onClick={(event) => onPress(event.ctrlKey || event.metaKey)}>
      <StatusIcon status={status} />
      {texts.status[status]} {count}
    </button>
  )
}

function SearchField({
  value,
  onChange,
  ref,
}: {
  value: string
  onChange: (value: string) => void
  ref: Ref<HTMLInputElement>
}): JSX.Element {
  const [typed, setTyped] = useState(value)
  const written = useRef(value)
  useEffect(() => {
    if (value !== written.current) setTyped(value) // by Back, or by a link
    written.current = value
  }, [value])
  useEffect(() => {
    if (typed === written.current) return
    const timer = setTimeout(() => {
      written.current = typed
      onChange(typed)
    }, DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [typed, onChange])
  const short = typed.trim().length > 0 && typed.trim().length < MIN_SEARCH
  return (
    <div className="search">
      <input
        ref={ref}
        type="search"
        value={typed}
        aria-label={texts.filter.search}
        placeholder={`${texts.filter.search}  /`}
        aria-describedby="search-hint"
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            if (typed) {
              event.stopPropagation()
              setTyped('')
            } else event.currentTarget.blur()
          }
          // A whole id is a run, not a search.
          if (event.key === 'Enter' && ID.test(typed.trim())) location.assign(hrefs.execution(typed.trim()))
        }}
      />
      <span id="search-hint" className={short ? 'hint' : 'visually-hidden'}>
        {short ? texts.filter.short : texts.filter.searchHint}
      </span>
    </div>
  )
}

interface Chip {
  key: string
  text: string
  without: Partial<Choice>
}

/** What each chip says, and the choice without it. */
export function chipsOf(choice: Choice, zone: string): Chip[] {
  const chips: Chip[] = []
  const lists = ['state', 'workflow', 'notWorkflow', 'engine', 'trigger', 'step', 'group'] as const
  for (const name of lists) {
    for (const value of choice[name]) {
      const shown = name === 'state' ? texts.state[value as keyof typeof texts.state] : value
      const rest = (choice[name] as string[]).filter((each) => each !== value)
      chips.push({ key: `${name} ${value}`, text: texts.filter.chip[name](shown), without: { [name]: rest } })
    }
  }
  if (choice.retryOf !== null)
    chips.push({ key: 'retryOf', text: texts.filter.chip.retryOf(choice.retryOf), without: { retryOf: null } })
  if (choice.retry !== null) chips.push({ key: 'retry', text: texts.filter.chip.retry, without: { retry: null } })
  if (choice.min !== null)
    chips.push({ key: 'min', text: texts.filter.chip.min(writeDuration(choice.min)), without: { min: null } })
  if (choice.max !== null)
    chips.push({ key: 'max', text: texts.filter.chip.max(writeDuration(choice.max)), without: { max: null } })
  if (choice.range !== null)
    chips.push({ key: 'range', text: texts.filter.ranges[choice.range], without: { range: null } })
  if (choice.from !== null)
    chips.push({ key: 'from', text: texts.filter.chip.from(brief(choice.from, zone)), without: { from: null } })
  if (choice.to !== null)
    chips.push({ key: 'to', text: texts.filter.chip.to(brief(choice.to, zone)), without: { to: null } })
  return chips
}

function Chips({ choice, change }: Pick<Props, 'choice' | 'change'>): JSX.Element | null {
  const zone = useZone()
  if (!isNarrowed(choice)) return null
  return (
    <ul className="chips" aria-label={texts.filter.active}>
      {chipsOf(choice, zone).map(({ key, text, without }) => (
        <li key={key}>
          <button type="button" className="chip" onClick={() => change(without)} aria-label={texts.filter.remove(text)}>
            <span className="cut">{text}</span> <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="link" onClick={() => change({ ...NOTHING, sort: choice.sort })}>
          {texts.filter.clear}
        </button>
      </li>
    </ul>
  )
}
