import { type JSX, useState } from 'react'
import { signOut } from '../api/session'
import { type Column, Listing } from '../parts/listing'
import { When } from '../parts/when'
import { sessionTexts } from '../session-texts'
import type { Session } from './documents'
import { EndOne } from './ending'
import { browserOf } from './user-agent'

interface Shown {
  sessions: readonly Session[]
  onChanged: () => void
  /** Show one name's alone. */
  onName: (name: string) => void
}

/** The sessions, each with whose it is, where it began and when it was used, and a way to end it. */
export function Table({ sessions, onChanged, onName }: Shown): JSX.Element {
  const { columns } = sessionTexts
  const [ending, setEnding] = useState<Session | null>(null)
  const shown: Column<Session>[] = [
    { title: columns.who, names: true, cell: (session) => <Who session={session} onName={onName} /> },
    { title: columns.browser, cell: (session) => <Browser session={session} /> },
    {
      title: columns.seen,
      cell: ({ isPresent, lastSeenAt, startedAt }) =>
        isPresent ? <b>{sessionTexts.present}</b> : <When at={lastSeenAt ?? startedAt} focusable />,
    },
    {
      title: columns.started,
      cell: ({ startedAt, method }) => (
        <>
          <When at={startedAt} focusable /> {method !== null && <span className="dim">{sessionTexts.methods[method]}</span>}
        </>
      ),
    },
    { title: columns.ends, cell: ({ expiresAt }) => <When at={expiresAt} focusable ahead /> },
    {
      title: columns.act,
      className: 'act',
      isPlain: true,
      cell: (session) =>
        session.isPresent ? (
          <button type="button" onClick={() => void signOut()}>
            {sessionTexts.signOut}
          </button>
        ) : (
          <button type="button" aria-label={sessionTexts.endOf(session.name, nameOf(session))} onClick={() => setEnding(session)}>
            {sessionTexts.end}
          </button>
        ),
    },
  ]
  return (
    <>
      <Listing rows={sessions} columns={shown} keyOf={({ id }) => id} />
      {ending && <EndOne session={ending} browser={nameOf(ending)} onEnded={onChanged} onClose={() => setEnding(null)} />}
    </>
  )
}

function Who({ session, onName }: { session: Session; onName: (name: string) => void }): JSX.Element {
  const { name, role, tokenPrefix, issuer } = session
  return (
    <>
      <button type="button" className="link" onClick={() => onName(name)}>
        {name}
      </button>{' '}
      <span className="dim">{sessionTexts.roles[role]}</span>{' '}
      {tokenPrefix !== null && <span className="mono dim">{sessionTexts.behind(tokenPrefix)}</span>}
      {issuer !== null && <span className="dim">{sessionTexts.by(issuer)}</span>}
    </>
  )
}

function Browser({ session }: { session: Session }): JSX.Element {
  return (
    <>
      <span title={session.userAgent ?? undefined}>{nameOf(session)}</span>{' '}
      {session.address !== null && <span className="dim below">{sessionTexts.from(session.address)}</span>}
    </>
  )
}

/** What people call it; else what it calls itself. */
function nameOf({ userAgent }: Session): string {
  if (userAgent === null) return sessionTexts.unknown
  const known = browserOf(userAgent)
  return known === null ? userAgent : sessionTexts.on(known.browser, known.system)
}
