import type { JSX } from 'react'
import { auditTexts } from '../audit-texts'
import { CopyButton } from '../parts/copy'
import { JsonTree } from '../parts/json-tree'
import { type Column, Listing } from '../parts/listing'
import { When } from '../parts/when'
import { texts } from '../texts'
import type { Entry } from './documents'
import { hrefOf, wordsOf } from './words'

/** What was done, in words; its details fold out. */
export function Table({ entries, onSubject }: { entries: readonly Entry[]; onSubject: (subject: string) => void }): JSX.Element {
  const { columns } = auditTexts
  const shown: Column<Entry>[] = [
    { title: columns.at, cell: ({ at }) => <When at={at} focusable /> },
    { title: columns.actor, cell: ({ actor }) => actor },
    { title: columns.what, names: true, cell: wordsOf },
    {
      title: columns.subject,
      cell: (entry) => <Subject id={entry.subject} href={hrefOf(entry)} onSubject={onSubject} />,
    },
    { title: columns.detail, className: 'detail', cell: (entry) => (entry.detail === null ? texts.none : <Details entry={entry} />) },
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

function Subject({ id, href, onSubject }: { id: string | null; href: string | null; onSubject: (subject: string) => void }): JSX.Element {
  if (id === null) return href === null ? <>{texts.none}</> : <a href={href}>{auditTexts.madeRuns}</a>
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
