import { type JSX, useId } from 'react'
import { Icon } from '../frame/icons'
import { changeSettings, useSettings } from '../parts/settings'
import { texts } from '../texts'
import { ALL, type Column, COLUMNS, moved, USUAL } from './columns'

/** How the list looks: its columns and their order, and the height of its rows; kept in this browser. */
export function Display({
  columns,
  onColumns,
}: {
  columns: readonly Column[]
  onColumns: (columns: Column[]) => void
}): JSX.Element {
  const id = useId()
  const { density } = useSettings()
  const anchor = `--display-${id.replaceAll(/[^\w-]/g, '')}`
  const others = ALL.filter((column) => !columns.includes(column))
  return (
    <>
      <button type="button" popoverTarget={id} style={{ anchorName: anchor } as React.CSSProperties}>
        <Icon name="display" /> <span className="word">{texts.history.display}</span>
      </button>
      <div
        id={id}
        popover="auto"
        role="dialog"
        aria-label={texts.history.display}
        className="menu display"
        style={{ positionAnchor: anchor } as React.CSSProperties}
      >
        <p className="heading">{texts.frame.density}</p>
        <div role="group" aria-label={texts.frame.density} className="densities">
          {(['comfortable', 'compact'] as const).map((each) => (
            <button key={each} type="button" aria-pressed={density === each} onClick={() => changeSettings({ density: each })}>
              {texts.frame.densities[each]}
            </button>
          ))}
        </div>
        <p className="heading">{texts.history.columnsHeading}</p>
        <ul>
          {[...columns, ...others].map((column) => {
            const shown = columns.includes(column)
            const label = texts.history.columns[column]
            return (
              <li key={column}>
                <label>
                  <input
                    type="checkbox"
                    checked={shown}
                    disabled={COLUMNS[column].yields === 0}
                    onChange={() => onColumns(shown ? columns.filter((each) => each !== column) : [...columns, column])}
                  />
                  {label}
                </label>
                {shown &&
                  ([-1, 1] as const).map((by) => (
                    <button
                      key={by}
                      type="button"
                      className="bare"
                      aria-label={texts.history.move[by](label)}
                      disabled={columns.indexOf(column) === (by < 0 ? 0 : columns.length - 1)}
                      onClick={() => onColumns(moved(columns, column, by))}
                    >
                      {by < 0 ? '↑' : '↓'}
                    </button>
                  ))}
              </li>
            )
          })}
        </ul>
        <button type="button" className="link" onClick={() => onColumns([...USUAL])}>
          {texts.history.usualColumns}
        </button>
      </div>
    </>
  )
}
