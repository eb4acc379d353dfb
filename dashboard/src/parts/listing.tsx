import type { JSX, ReactNode } from 'react'
import '../style/listing.css'

export interface Column<T> {
  title: string
  cell: (row: T) => ReactNode
  /** Whether its cells name their rows. */
  names?: boolean
  className?: string | ((row: T) => string)
}

/** A table of rows that are read one by one; on a phone each row is a block whose values have the titles before them. */
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
  return (
    <table className="listing">
      <thead>
        <tr>
          {columns.map(({ title, className }) => (
            <th key={title} scope="col" className={typeof className === 'string' ? className : ''}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={classOf(row)}>
            {columns.map(({ title, cell, names = false, className = '' }) => {
              const named = typeof className === 'string' ? className : className(row)
              return names ? (
                <th key={title} scope="row" className={named}>
                  {cell(row)}
                </th>
              ) : (
                <td key={title} data-of={title} className={named}>
                  {cell(row)}
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
