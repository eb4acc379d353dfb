import { useCallback, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type Choice, type Parsed, parseChoice, writeChoice } from '../filter/filter'
import { type Column, parseColumns } from './columns'

export interface ChoiceState extends Parsed {
  /** The run that is open beside the list. */
  run: string | null
  /** The columns that a link brought; null: this browser's own. */
  columns: Column[] | null
  /** Whether new runs show by themselves. */
  follow: boolean
  /** Change some of the choice: a new entry in the browser's history, or (`replace`) the present one. */
  change(part: Partial<Choice>, replace?: boolean): void
  open(run: string | null, replace?: boolean, part?: Partial<Choice>): void
  /** Take what is unknown out of the URL. */
  forget(): void
  /** Take the columns of the link out of the URL. */
  forgetColumns(): void
  /** Have new runs show by themselves, or not. */
  setFollow(on: boolean): void
}

/** What the URL has besides the choice. */
type Beside = Pick<ChoiceState, 'run' | 'columns' | 'follow'>

/** The URL is the state: what it says is what the screen shows. */
export function useChoice(): ChoiceState {
  const search = useSearch()
  const [, go] = useLocation()
  const parsed = useMemo(() => {
    const query = new URLSearchParams(search)
    const named = query.get('columns')
    const columns = named === null ? null : parseColumns(named.split(','))
    const followed = query.get('follow')
    const { choice, unknown } = parseChoice(query)
    if (named !== null && columns === null) unknown.push(`columns=${named}`)
    if (followed !== null && followed !== '1') unknown.push(`follow=${followed}`)
    return { choice, columns, run: query.get('run'), follow: followed === '1', unknown }
  }, [search])
  const { choice, run, columns, follow } = parsed
  const beside = { run, columns, follow }
  const write = useCallback(
    (next: Choice, { run, columns, follow }: Beside, replace: boolean) => {
      const query = writeChoice(next)
      if (run !== null) query.set('run', run)
      if (columns) query.set('columns', columns.join())
      if (follow) query.set('follow', '1')
      go(`/history${query.size ? `?${query}` : ''}`, { replace })
    },
    [go],
  )
  return {
    ...parsed,
    change: (part, replace = false) => write({ ...choice, ...part }, beside, replace),
    open: (next, replace = false, part = {}) => write({ ...choice, ...part }, { ...beside, run: next }, replace),
    forget: () => write(choice, beside, true),
    forgetColumns: () => columns && write(choice, { ...beside, columns: null }, true),
    setFollow: (on) => write(choice, { ...beside, follow: on }, true),
  }
}
