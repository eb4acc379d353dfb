import type { JSX } from 'react'

/** A column's title; where a list can be sorted by it, a button. */
export function SortHeader<Order extends string>({
  name, title, hints, order, ascending, onOrder,
}: {
  name: string
  title: string
  /** What sorting by a column brings to the top; one without cannot be sorted by. */
  hints: Readonly<Record<Order, string>>
  order: Order
  /** Whether the least is the first. */
  ascending?: (order: Order) => boolean
  onOrder: (order: Order) => void
}): JSX.Element {
  if (!Object.hasOwn(hints, name)) return <th scope="col" className={name}>{title}</th>
  const by = name as Order
  const chosen = by === order
  const up = ascending?.(by) ?? false
  return (
    <th scope="col" className={name} aria-sort={chosen ? (up ? 'ascending' : 'descending') : undefined}>
      <button type="button" className={`link sort ${chosen ? 'chosen' : ''}`} title={hints[by]} onClick={() => onOrder(by)}>
        {title}
        {chosen && <span aria-hidden="true"> {up ? '↑' : '↓'}</span>}
      </button>
    </th>
  )
}
