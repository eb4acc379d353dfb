import type { JSX } from 'react'
import { auditTexts } from '../audit-texts'
import { JsonTree } from '../parts/json-tree'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Entry } from './documents'

/** What was done, in words; its details fold out. */
export function Table({ entries, onSubject }: { entries: readonly Entry[]; onSubject: (subject: string) => void }): JSX.Element {
  const { columns } = auditTexts
  return (
    <table className="listing">
      <thead>
        <tr>
          {Object.values(columns).map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id}>
            <td data-of={columns.at}>
              <When at={entry.at} focusable />
            </td>
            <td data-of={columns.actor}>{entry.actor}</td>
            <th scope="row">{auditTexts.did(entry.action)}</th>
            <td data-of={columns.subject}>{entry.subject === null ? texts.none : <Subject id={entry.subject} onSubject={onSubject} />}</td>
            <td data-of={columns.detail} className="detail">
              {entry.detail === null ? (
                texts.none
              ) : (
                <details>
                  <summary aria-label={auditTexts.detailsOf(auditTexts.did(entry.action))}>{auditTexts.details}</summary>
                  <JsonTree label={entry.action} value={entry.detail} />
                </details>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Subject({ id, onSubject }: { id: string; onSubject: (subject: string) => void }): JSX.Element {
  const href = hrefOf(id)
  return (
    <>
      {href === null ? <span className="mono">{id}</span> : <a className="mono" href={href}>{id}</a>}{' '}
      <button type="button" className="link" aria-label={auditTexts.all(id)} title={auditTexts.all(id)} onClick={() => onSubject(id)}>
        ⋯
      </button>
    </>
  )
}

/** The page of an object; null where it has none. */
function hrefOf(id: string): string | null {
  if (id.startsWith('execution_')) return hrefs.execution(id)
  if (id.startsWith('workflow_')) return hrefs.workflows(id)
  return null
}
