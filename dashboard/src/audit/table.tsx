import type { JSX } from 'react'
import { auditTexts } from '../audit-texts'
import { CopyButton } from '../parts/copy'
import { JsonTree } from '../parts/json-tree'
import { type Column, Listing } from '../parts/listing'
import { When } from '../parts/when'
import type { Entry } from './documents'
import { hrefOf, wordsOf } from './words'

/** What was done, in words; its details fold out. */
export function Table({ entries, onSubject }: { entries: readonly Entry[]; onSubject: (subject: string) => void }): JSX.Element {
  const { columns } = auditTexts
  const shown: Column<Entry>[] = [
    { title: columns.at, className: 'at', cell: ({ at }) => <When at={at} focusable /> },
    { title: columns.actor, className: 'actor', cell: ({ actor }) => actor },
    { title: columns.what, names: true, cell: wordsOf },
    { title: columns.subject, className: 'subject', cell: (entry) => subjectOf(entry, onSubject) },
    { title: columns.detail, className: 'detail', cell: (entry) => (entry.detail === null ? null : <Details entry={entry} />) },
  ]
  return <Listing rows={entries} columns={shown} keyOf={({ id }) => id} />
}

function Details({ entry }: { entry: Entry }): JSX.Element {
  return (
    <details>
      <summary aria-label={auditTexts.detailsOf(wordsOf(entry))}>{auditTexts.details}</summary>
      <JsonTree label={entry.action} value={entry.detail} />
    </details>
  )
}

/** What it was about, or the way to the runs that it made. */
function subjectOf(entry: Entry, onSubject: (subject: string) => void): JSX.Element | null {
  const { subject: id } = entry
  const href = hrefOf(entry)
  if (id === null) return href === null ? null : <a href={href}>{auditTexts.madeRuns}</a>
  return (
    <>
      {href === null ? <span className="mono">{id}</span> : <a className="mono" href={href}>{id}</a>}{' '}
      <CopyButton what={id} text={id} />
      <button type="button" className="link" aria-label={auditTexts.all(id)} title={auditTexts.all(id)} onClick={() => onSubject(id)}>
        ⋯
      </button>
    </>
  )
}
