import type { JSX, ReactNode } from 'react'

/** Names with their values; one whose value is null is left out. */
export function FactsList({ rows }: { rows: [string, ReactNode][] }): JSX.Element {
  return (
    <dl>
      {rows.map(
        ([name, value]) =>
          value !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
