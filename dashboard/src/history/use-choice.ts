import { useCallback, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type Choice, type Parsed, parseChoice, writeChoice } from '../filter/filter'
import { type Column, parseColumns } from './columns'

export interface ChoiceState extends Parsed {
  /** The run that is open beside the list. */
  run: string | null
  /** The columns that a link brought; null: this browser's own. */
  columns: Column[] | null
  /** Change some of the choice: a new entry in the browser's history, or (`replace`) the present one. */
  change(part: Partial<Choice>, replace?: boolean): void
  open(run: string | null, replace?: boolean, part?: Partial<Choice>): void
  /** Take what is unknown out of the URL. */
  forget(): void
  /** Take the columns of the link out of the URL. */
  forgetColumns(): void
}

/** The URL is the state: what it says is what the screen shows. */
export function useChoice(): ChoiceState {
  const search = useSearch()
  const [, go] = useLocation()
  const parsed = useMemo(() => {
    const query = new URLSearchParams(search)
    const named = query.get('columns')
    const columns = named === null ? null : parseColumns(named.split(','))
    const { choice, unknown } = parseChoice(query)
    return {
      choice,
      columns,
      run: query.get('run'),
      unknown: named !== null && columns === null ? [...unknown, `columns=${named}`] : unknown,
    }
  }, [search])
  const { choice, run, columns } = parsed
  const write = useCallback(
    (next: Choice, open: string | null, replace: boolean, kept: Column[] | null) => {
      const query = writeChoice(next)
      if (open !== null) query.set('run', open)
      if (kept) query.set('columns', kept.join())
      go(`/history${query.size ? `?${query}` : ''}`, { replace })
    },
    [go],
  )
  return {
    ...parsed,
    change: (part, replace = false) => write({ ...choice, ...part }, run, replace, columns),
    open: (next, replace = false, part = {}) => write({ ...choice, ...part }, next, replace, columns),
    forget: () => write(choice, run, true, columns),
    forgetColumns: () => columns && write(choice, run, true, null),
  }
}
