import { createContext, type JSX, type ReactNode, useContext, useState } from 'react'
import { useIsPhone } from '../parts/row-height'

/** In a sheet the run's name is a heading of the second level, and what it has one below it; on a page one higher. */
export const PartLevel = createContext<'h2' | 'h3'>('h2')

/** The title of a part, which on a phone folds it. */
export function PartTitle({ id, children }: { id: string; children: ReactNode }): JSX.Element {
  const level = useContext(PartLevel)
  const phone = useIsPhone()
  const [folded, setFolded] = useState(false)
  const className = 'part-title'
  const title = phone ? (
    <button type="button" className="fold-part" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
      {children}
    </button>
  ) : (
    children
  )
  return level === 'h2' ? (
    <h2 id={id} className={className}>
      {title}
    </h2>
  ) : (
    <h3 id={id} className={className}>
      {title}
    </h3>
  )
}
