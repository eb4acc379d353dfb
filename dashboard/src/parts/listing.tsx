import type { JSX, ReactNode } from 'react'
import '../style/listing.css'
import { texts } from '../texts'
import { useRowKeys } from './use-row-keys'

export interface Column<T> {
  title: string
  /** Null: there is none. */
  cell: (row: T) => ReactNode
  /** Whether its cells name their rows. */
  names?: boolean
  /** Whether its cells say by themselves what they are: buttons, say. */
  isPlain?: boolean
  className?: string | ((row: T) => string)
}

/**
 * A table of rows that are read one by one; on a phone each row is a block whose values have the titles before them. Keys
 * go from row to row.
 */
export function Listing<T>({
  rows,
  columns,
  keyOf,
  classOf = () => '',
}: {
  rows: readonly T[]
  columns: readonly Column<T>[]
  keyOf: (row: T) => string
  classOf?: (row: T) => string
}): JSX.Element {
  const keys = useRowKeys(rows)
  return (
    <table className="listing" {...keys}>
      <thead>
        <tr>
          {columns.map(({ title, isPlain = false, className }) => (
            <th key={title} scope="col" className={typeof className === 'string' ? className : ''}>
              <span className={isPlain ? 'visually-hidden' : ''}>{title}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={classOf(row)} tabIndex={-1}>
            {columns.map((column) => (
              <Cell key={column.title} column={column} row={row} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Cell<T>({ column: { title, cell, names = false, className = '' }, row }: { column: Column<T>; row: T }): JSX.Element {
  const shown = cell(row)
  const named = typeof className === 'string' ? className : className(row)
  if (names) {
    return (
      <th scope="row" className={named}>
        {shown}
      </th>
    )
  }
  return (
    <td data-of={title} className={shown === null ? `${named} none` : named}>
      {shown ?? texts.none}
    </td>
  )
}
