import { type JSX, useId, useState } from 'react'
import { flushSync } from 'react-dom'
import { type Choice, type SortField, SORTS } from '../filter/filter'
import { Icon } from '../frame/icons'
import { MoveButtons } from '../parts/move-buttons'
import { useIsPhone } from '../parts/row-height'
import { changeSettings, useSettings } from '../parts/settings'
import { texts } from '../texts'
import { ALL, type Column, COLUMNS, moved, USUAL } from './columns'

interface Props {
  columns: readonly Column[]
  onColumns: (columns: Column[]) => void
  sort: Choice['sort']
  onSort: (sort: Choice['sort']) => void
  /** Whether new runs show by themselves; null: in this order they do not come at the top. */
  follow: boolean | null
  onFollow: (on: boolean) => void
}

/**
 * How the list looks: its order, which where rows have two lines nothing else can change; its columns and the height of
 * its rows, which are kept in this browser.
 */
export function Display(props: Props): JSX.Element {
  const id = useId()
  // What nobody has opened yet is not made.
  const [used, setUsed] = useState(false)
  const anchor = `--display-${id.replaceAll(/[^\w-]/g, '')}`
  return (
    <>
      <button type="button" popoverTarget={id} onClick={() => flushSync(() => setUsed(true))} style={{ anchorName: anchor } as React.CSSProperties}>
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
        {used && <Choices {...props} />}
      </div>
    </>
  )
}

function Choices({ columns, onColumns, sort, onSort, follow, onFollow }: Props): JSX.Element {
  const { density } = useSettings()
  // There rows have two lines, whatever is chosen.
  const phone = useIsPhone()
  const others = ALL.filter((column) => !columns.includes(column))
  return (
    <>
      <p className="heading">{texts.history.sortHeading}</p>
      <div className="sorting">
        <select
          aria-label={texts.history.sortHeading}
          value={sort.field}
          onChange={(event) => onSort({ ...sort, field: event.target.value as SortField })}
        >
          {(Object.keys(SORTS) as SortField[]).map((field) => (
            <option key={field} value={field}>
              {texts.history.columns[field]}
            </option>
          ))}
        </select>
        <button type="button" onClick={() => onSort({ ...sort, descending: !sort.descending })}>
          {sort.descending ? texts.history.descending : texts.history.ascending}
        </button>
      </div>
      {follow !== null && (
        <label>
          <input type="checkbox" checked={follow} onChange={(event) => onFollow(event.target.checked)} />
          {texts.history.follow}
        </label>
      )}
      {!phone && (
        <>
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
                  {shown && (
                    <MoveButtons
                      name={(by) => texts.history.move[by](label)}
                      isFirst={column === columns[0]}
                      isLast={column === columns.at(-1)}
                      onMove={(by) => onColumns(moved(columns, column, by))}
                    />
                  )}
                </li>
              )
            })}
          </ul>
          <button type="button" className="link" onClick={() => onColumns([...USUAL])}>
            {texts.history.usualColumns}
          </button>
        </>
      )}
    </>
  )
}
