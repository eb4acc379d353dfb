import type { JSX } from 'react'
import { metricsTexts as texts } from '../metrics-texts'
import type { Change } from './figures'

/** Whether a change is for the better, where one way is the better one. */
export function wayOf(change: Change | null, better: '▲' | '▼' | undefined): '' | 'better' | 'worse' {
  if (!change || change.sign === '=' || better === undefined) return ''
  return change.sign === better ? 'better' : 'worse'
}

/** How a figure has changed against the window before. */
export function ChangeMark({ change, way }: { change: Change; way: '' | 'better' | 'worse' }): JSX.Element {
  return (
    <span className={`change ${way}`}>
      <span aria-hidden="true">{texts.change(change.sign, change.value)}</span>
      <span className="visually-hidden">{texts.changeSaid(change.sign, change.value)}</span>
    </span>
  )
}
