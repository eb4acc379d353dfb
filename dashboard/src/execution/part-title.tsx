import { createContext, type JSX, type ReactNode, useContext } from 'react'

/** In a sheet the run's name is a heading of the second level, and what it has one below it; on a page one higher. */
export const PartLevel = createContext<'h2' | 'h3'>('h2')

export function PartTitle({ id, children }: { id: string; children: ReactNode }): JSX.Element {
  const level = useContext(PartLevel)
  const className = 'part-title'
  return level === 'h2' ? (
    <h2 id={id} className={className}>
      {children}
    </h2>
  ) : (
    <h3 id={id} className={className}>
      {children}
    </h3>
  )
}
