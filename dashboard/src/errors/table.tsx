import { type JSX, useState } from 'react'
import type { Choice } from '../filter/filter'
import { errorTexts } from '../error-texts'
import { behind } from '../metrics/figures'
import { useKeys } from '../parts/keys'
import { SortHeader } from '../parts/sort-header'
import { useHeld } from '../parts/use-held'
import { useRowKeys } from '../parts/use-row-keys'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Acting } from './acting'
import type { GroupEdge } from './documents'
import { RowMenu } from './row-menu'
import type { Order } from './search'
import { StateMark } from './state'
import { Trend } from './trend'

/** The groups, each with its trend and its numbers; every number leads to its runs, and a menu to what can be done. */
export function Table({
  edges, choice, order, query, acting, onOrder,
}: {
  edges: readonly GroupEdge[]
  choice: Choice
  order: Order
  /** The time of the list, which a group's page takes over. */
  query: string
  acting: Acting
  onOrder: (order: Order) => void
}): JSX.Element {
  const [menu, setMenu] = useState<{ edge: GroupEdge; anchor: HTMLElement } | null>(null)
  // Its rows do not change places under a menu that is open.
  const shown = useHeld(edges, menu !== null)
  const keys = useRowKeys(shown)
  useKeys({ m: () => document.activeElement?.closest('tr')?.querySelector<HTMLElement>('.more')?.click() })
  return (
    <>
      <table className="listing" {...keys}>
        <thead>
          <tr>
            {Object.entries(errorTexts.columns).map(([name, title]) => (
              <SortHeader key={name} name={name} title={title} hints={errorTexts.sort} order={order} onOrder={onOrder} />
            ))}
            <th scope="col" className="menus">
              <span className="visually-hidden">{errorTexts.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((edge) => (
            <Row
              key={edge.node.id}
              edge={edge}
              choice={choice}
              query={query}
              menuOpen={menu?.edge.node.id === edge.node.id}
              onMenu={(anchor) => setMenu({ edge, anchor })}
            />
          ))}
        </tbody>
      </table>
      {menu && <RowMenu {...menu} choice={choice} acting={acting} onClose={() => setMenu(null)} />}
    </>
  )
}

function Row({
  edge, choice, query, menuOpen, onMenu,
}: {
  edge: GroupEdge
  choice: Choice
  query: string
  menuOpen: boolean
  onMenu: (anchor: HTMLElement) => void
}): JSX.Element {
  const { count, trend, isNew, unresolved, node } = edge
  const { id, type, message, state, mutedUntil, workflows } = node
  const { columns } = errorTexts
  const link = (title: string, value: string, more: Partial<Choice>): JSX.Element => (
    <a href={hrefs.history(behind(choice, { group: [id], ...more }))} aria-label={errorTexts.runsOf(`${title} ${value}`, message)}>
      {value}
    </a>
  )
  return (
    <tr className={state}>
      <th scope="row">
        <a href={`${hrefs.errors(id)}${query}`} className="what">
          {type !== null && <b>{type}</b>} <span>{message}</span>
        </a>
        <span className="marks">
          {state !== 'OPEN' && <StateMark state={state} mutedUntil={mutedUntil} />}
          {isNew && <span className="mark new" title={errorTexts.newHint}>{errorTexts.isNew}</span>}
          <span className="dim">{workflows.map(({ name }) => name).join(' · ')}</span>
        </span>
      </th>
      <td className="trend">
        <Trend failures={trend} />
      </td>
      <td data-of={columns.count} className="count numbers">
        {link(columns.count, texts.number(count), {})}
        {node.count > count && <span className="dim ever">{errorTexts.ever(texts.number(node.count))}</span>}
      </td>
      <td data-of={columns.unresolved} className={`unresolved numbers ${unresolved.value ? 'some' : ''}`}>
        {link(columns.unresolved, texts.count(unresolved), { unresolved: true })}
      </td>
      <td data-of={columns.last} className="last">
        <When at={node.lastSeenAt} />
      </td>
      <td data-of={columns.first} className="first">
        <When at={node.firstSeenAt} />
      </td>
      <td className="menus">
        <button
          type="button"
          className="bare more"
          aria-label={errorTexts.menuOf(message)}
          aria-haspopup="menu"
          aria-expanded={menuOpen}
          onClick={(event) => onMenu(event.currentTarget)}
        >
          ⋯
        </button>
      </td>
    </tr>
  )
}
