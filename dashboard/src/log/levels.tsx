import type { JSX } from 'react'
import type { LevelCounts } from '../live/live-log'
import type { Level } from '../live/log-documents'
import { runTexts } from '../run-texts'
import { LEVELS } from './view'

/** One level of the log and all that are more severe, each with how many lines that gives. */
export function Levels({
  counts,
  atLeast,
  level,
  onChange,
}: {
  counts: LevelCounts | null
  atLeast: boolean
  level: Level
  onChange: (level: Level) => void
}): JSX.Element {
  const from = (least: Level): number =>
    counts ? LEVELS.slice(LEVELS.indexOf(least)).reduce((sum, each) => sum + counts[each], 0) : 0
  // A level that has no line of its own gives what the next one does; the chosen one stays, whatever it gives.
  const offered = LEVELS.filter((each) => each === 'TRACE' || each === level || (counts !== null && counts[each] > 0 && from(each) < from('TRACE')))
  return (
    <div className="log-levels" role="radiogroup" aria-label={runTexts.log.level}>
      {offered.map((each) => {
        const count = runTexts.log.count(from(each), atLeast)
        const name = each === 'TRACE' ? runTexts.log.allLevels : runTexts.log.levels[each]
        return (
          <label key={each} className={`log-level ${each}`} title={each === 'TRACE' ? undefined : runTexts.log.from(name, count)}>
            <input
              type="radio"
              name="log-level"
              checked={level === each}
              aria-label={each === 'TRACE' ? `${name}: ${count}` : runTexts.log.from(name, count)}
              onChange={() => onChange(each)}
            />
            <span aria-hidden="true">{name}</span> <small aria-hidden="true" className="numbers">{count}</small>
          </label>
        )
      })}
    </div>
  )
}
