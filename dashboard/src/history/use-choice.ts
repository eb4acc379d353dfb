import { useCallback, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type Choice, type Parsed, parseChoice, writeChoice } from '../filter/filter'

export interface ChoiceState extends Parsed {
  /** The run that is open beside the list. */
  run: string | null
  /** Change some of the choice: a new entry in the browser's history, or (`replace`) the present one. */
  change(part: Partial<Choice>, replace?: boolean): void
  open(run: string | null, replace?: boolean): void
  /** Take what is unknown out of the URL. */
  forget(): void
}

/** The URL is the state: what it says is what the screen shows. */
export function useChoice(): ChoiceState {
  const search = useSearch()
  const [, go] = useLocation()
  const parsed = useMemo(() => parseChoice(search), [search])
  const run = useMemo(() => new URLSearchParams(search).get('run'), [search])
  const write = useCallback(
    (choice: Choice, open: string | null, replace: boolean) => {
      const query = writeChoice(choice)
      if (open !== null) query.set('run', open)
      go(`/history${query.size ? `?${query}` : ''}`, { replace })
    },
    [go],
  )
  const { choice } = parsed
  return {
    ...parsed,
    run,
    change: (part, replace = false) => write({ ...choice, ...part }, run, replace),
    open: (next, replace = false) => write(choice, next, replace),
    forget: () => write(choice, run, true),
  }
}
