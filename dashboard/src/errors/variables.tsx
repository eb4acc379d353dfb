import type { JSX } from 'react'
import { errorTexts } from '../error-texts'
import type { Group } from './documents'

/** What the failures of a group differ in: of each variable part, how many values, and the most frequent. */
export function Variables({ parts }: { parts: Group['variables'] }): JSX.Element {
  return (
    <section className="variables" aria-labelledby="varies">
      <h2 id="varies">{errorTexts.varies}</h2>
      <ol>
        {parts.map(({ placeholder, distinct, values }, place) => (
          // Two parts may have one placeholder.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={place}>
            <p>
              <mark>{placeholder}</mark> <span className="dim numbers">{errorTexts.distinct(distinct)}</span>
            </p>
            <ul>
              {values.map(({ value, count }) => (
                <li key={value}>
                  <span className="mono">{value}</span> <span className="dim numbers">{errorTexts.times(count)}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
      <p className="dim small">{errorTexts.ofNewest}</p>
    </section>
  )
}
