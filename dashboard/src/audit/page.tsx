import { type JSX, useEffect, useMemo, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { ask, given } from '../api/api'
import type { ResultOf, VariablesOf } from '../api/graphql'
import { auditTexts } from '../audit-texts'
import { ForAdministrators } from '../frame/for-administrators'
import { TimeFilter } from '../history/time-filter'
import { copyAddress } from '../parts/copy'
import { ErrorBox } from '../parts/error-box'
import { useKeys } from '../parts/keys'
import { usePolled } from '../parts/use-polled'
import { texts } from '../texts'
import { AuditLog, type Entry } from './documents'
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
  useKeys({ c: copyAddress })
  const entries = log.data?.entries
  return (
    <>
      <search className="filter-bar">
        <div className="line">
          <Narrow shown={shown} entries={entries ?? []} show={show} />
          <TimeFilter choice={shown.choice} change={(part) => show({ choice: { ...shown.choice, ...part } })} />
          {shown.subject !== null && (
            <button type="button" className="chip" aria-label={auditTexts.forget(shown.subject)} onClick={() => show({ subject: null })}>
              {auditTexts.about(shown.subject)} ✕
            </button>
          )}
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

/** By whom, and what: those who are in what is shown are offered, and the actions that there are. */
function Narrow({ shown, entries, show }: { shown: Shown; entries: readonly Entry[]; show: (part: Partial<Shown>) => void }): JSX.Element {
  const actors = [...new Set([...shown.actor, ...entries.map(({ actor }) => actor)])].toSorted()
  const actions = [...new Set([...shown.action, ...Object.keys(auditTexts.actions)])]
  const chosen = (value: string): string[] => (value === '' ? [] : [value])
  return (
    <>
      <select aria-label={auditTexts.actor} value={shown.actor[0] ?? ''} onChange={(event) => show({ actor: chosen(event.target.value) })}>
        <option value="">{auditTexts.anybody}</option>
        {actors.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      <select aria-label={auditTexts.action} value={shown.action[0] ?? ''} onChange={(event) => show({ action: chosen(event.target.value) })}>
        <option value="">{auditTexts.anything}</option>
        {actions.map((each) => (
          <option key={each} value={each}>
            {auditTexts.did(each)}
          </option>
        ))}
      </select>
    </>
  )
}

/** The first pages, one after the other. */
async function read(shown: Shown, pages: number, at: number, signal: AbortSignal): Promise<{ entries: Entry[]; more: boolean }> {
  const entries: Entry[] = []
  let after: string | null = null
  for (let left = pages; left > 0; left -= 1) {
    const variables: VariablesOf<typeof AuditLog> = { filter: auditFilter(shown, at), after }
    const { auditLog }: ResultOf<typeof AuditLog> = await ask(AuditLog, variables, { signal, exact: true })
    const { nodes, pageInfo } = given(auditLog)
    entries.push(...nodes)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
    if (after === null) break
  }
  return { entries, more: after !== null }
}
