import { useMemo } from 'react'
import { changeSettings, useSettings } from '../parts/settings'
import { type Column, parseColumns, USUAL } from './columns'
import type { ChoiceState } from './use-choice'

/** The columns of the link, else those of this browser; a change is this browser's. */
export function useColumns(state: ChoiceState): [readonly Column[], (columns: Column[]) => void] {
  const settings = useSettings()
  const columns = useMemo(() => state.columns ?? parseColumns(settings.columns) ?? USUAL, [state.columns, settings.columns])
  return [
    columns,
    (next) => {
      changeSettings({ columns: next })
      state.forgetColumns()
    },
  ]
}
