import type { JSX } from 'react'
import { auditTexts } from '../audit-texts'
import { JsonTree } from '../parts/json-tree'
import { type Column, Listing } from '../parts/listing'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Entry } from './documents'

/** What was done, in words; its details fold out. */
export function Table({ entries, onSubject }: { entries: readonly Entry[]; onSubject: (subject: string) => void }): JSX.Element {
  const { columns } = auditTexts
  const shown: Column<Entry>[] = [
    { title: columns.at, cell: ({ at }) => <When at={at} focusable /> },
    { title: columns.actor, cell: ({ actor }) => actor },
    { title: columns.what, names: true, cell: ({ action }) => auditTexts.did(action) },
    {
      title: columns.subject,
      cell: ({ subject }) => (subject === null ? texts.none : <Subject id={subject} onSubject={onSubject} />),
    },
    { title: columns.detail, className: 'detail', cell: (entry) => (entry.detail === null ? texts.none : <Details entry={entry} />) },
  ]
  return <Listing rows={entries} columns={shown} keyOf={({ id }) => id} />
}

function Details({ entry: { action, detail } }: { entry: Entry }): JSX.Element {
  return (
    <details>
      <summary aria-label={auditTexts.detailsOf(auditTexts.did(action))}>{auditTexts.details}</summary>
      <JsonTree label={action} value={detail} />
    </details>
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
