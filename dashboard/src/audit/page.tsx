import { type JSX, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import { firstPages, type Paged } from '../api/pages'
import { auditTexts } from '../audit-texts'
import { ForAdministrators } from '../frame/for-administrators'
import { TimeFilter } from '../history/time-filter'
import { ErrorBox } from '../parts/error-box'
import { usePolled } from '../parts/use-polled'
import { texts } from '../texts'
import { AuditLog, type Entries } from './documents'
import { Filters } from './filters'
import { auditFilter, parseShown, type Shown, writeShown } from './search'
import { Table } from './table'
import './audit.css'

/** Who did what: only for administrators, and others are told so. */
export function AuditPage(): JSX.Element {
  useEffect(() => {
    document.title = `${auditTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="page audit-page">
      <header className="page-head">
        <h1>{auditTexts.title}</h1>
      </header>
      <ForAdministrators forbidden={auditTexts.forbidden} hint={auditTexts.forbiddenHint}>
        <Log />
      </ForAdministrators>
    </div>
  )
}

function Log(): JSX.Element {
  const search = useSearch()
  const [, go] = useLocation()
  const shown = useMemo(() => parseShown(search), [search])
  const [pages, setPages] = useState(1)
  const log = usePolled(`${pages} ${writeShown(shown)}`, (signal, at) => read(shown, pages, at, signal))
  const show = (part: Partial<Shown>): void => {
    setPages(1)
    go(`/audit${writeShown({ ...shown, ...part })}`)
  }
  const entries = log.data?.rows
  // Whoever was seen here can be chosen, also when what is shown has only others.
  const actors = useRef(new Set<string>()).current
  for (const { actor } of entries ?? []) actors.add(actor)
  return (
    <>
      <search className="filter-bar">
        <div className="line">
          <TimeFilter choice={shown.choice} change={(part) => show({ choice: { ...shown.choice, ...part } })} />
          <Filters shown={shown} actors={actors} show={show} />
        </div>
      </search>
      {shown.unknown.length > 0 && (
        <p className="notice" role="status">
          {texts.history.unknown(shown.unknown)}
          <button type="button" onClick={() => show({})}>
            {texts.history.forget}
          </button>
        </p>
      )}
      <div className={`body ${log.stale && entries ? 'stale' : ''}`} aria-busy={log.stale}>
        {log.error && <ErrorBox error={log.error} retry={log.again} />}
        {!entries && !log.error && <p className="skeleton">{texts.loading}</p>}
        {entries?.length === 0 && (
          <div className="empty" role="status">
            <h2>{search ? auditTexts.noneMatches : auditTexts.none}</h2>
            {search !== '' && (
              <button type="button" onClick={() => go('/audit')}>
                {auditTexts.clear}
              </button>
            )}
          </div>
        )}
        {entries && entries.length > 0 && <Table entries={entries} onSubject={(subject) => show({ subject })} />}
        {log.data?.more && (
          <p>
            <button type="button" onClick={() => setPages(pages + 1)}>
              {auditTexts.more}
            </button>
          </p>
        )}
      </div>
    </>
  )
}

/** The first pages. */
async function read(shown: Shown, pages: number, at: number, signal: AbortSignal): Promise<Paged<Entries>> {
  const filter = auditFilter(shown, at)
  return firstPages(pages, async (after) => given((await ask(AuditLog, { filter, after }, { signal, exact: true })).auditLog))
}
