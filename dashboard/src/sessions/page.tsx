import { type JSX, useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { given } from '../api/api'
import { useViewer } from '../frame/viewer'
import { byName } from '../parts/by-name'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { sessionTexts } from '../session-texts'
import { texts } from '../texts'
import { type Session, Sessions } from './documents'
import { EndAllOf, EndOthers } from './ending'
import { Table } from './table'

/** Who is signed in with a browser: one's own sessions, and for an administrator those of all. */
export function SessionsPage(): JSX.Element {
  const viewer = useViewer()
  const { data, error, again } = useAsked(Sessions, {})
  const name = new URLSearchParams(useSearch()).get('name')
  const sessions = data && given(data.sessions)
  useEffect(() => {
    document.title = `${sessionTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="listing-page">
      <header>
        <h1>{sessionTexts.title}</h1>
        {sessions && hasOthers(sessions) && <Opener word={sessionTexts.endOthers} dialog={(close) => <EndOthers onEnded={again} onClose={close} />} />}
      </header>
      <p className="dim">{viewer?.role === 'ADMIN' ? sessionTexts.ofAll : sessionTexts.ofOne}</p>
      {error && <ErrorBox error={error} retry={again} />}
      {!sessions && !error && <p className="skeleton">{texts.loading}</p>}
      {sessions && <List sessions={sessions} name={name} again={again} />}
    </div>
  )
}

function List({ sessions, name, again }: { sessions: readonly Session[]; name: string | null; again: () => void }): JSX.Element {
  const [, go] = useLocation()
  const show = (whose: string): void => go(whose === '' ? '/sessions' : `/sessions?${new URLSearchParams({ name: whose })}`)
  const shown = name === null ? sessions : sessions.filter((each) => each.name === name)
  const names = [...new Set([...sessions.map((each) => each.name), ...(name === null ? [] : [name])])].toSorted(byName)
  return (
    <>
      {names.length > 1 && (
        <div className="choice">
          <select aria-label={sessionTexts.whose} value={name ?? ''} onChange={(event) => show(event.target.value)}>
            <option value="">{sessionTexts.everybody}</option>
            {names.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
          {name !== null && shown.length > 1 && (
            <Opener word={sessionTexts.endAllOf(name)} dialog={(close) => <EndAllOf name={name} sessions={shown} onEnded={again} onClose={close} />} />
          )}
        </div>
      )}
      {shown.length > 0 ? (
        <Table sessions={shown} onChanged={again} onName={show} />
      ) : (
        <p className="choice dim" role="status">
          {name === null ? sessionTexts.noOther : sessionTexts.none}
          {name !== null && (
            <button type="button" onClick={() => show('')}>
              {sessionTexts.all}
            </button>
          )}
        </p>
      )}
    </>
  )
}

/** A button that opens a dialog. */
function Opener({ word, dialog }: { word: string; dialog: (close: () => void) => JSX.Element }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {word}
      </button>
      {isOpen && dialog(() => setOpen(false))}
    </>
  )
}

/** Whether what signed this browser in has signed in others. */
function hasOthers(sessions: readonly Session[]): boolean {
  const present = sessions.find(({ isPresent }) => isPresent)
  const credential = ({ name, tokenPrefix, issuer }: Session): string => JSON.stringify([name, tokenPrefix, issuer])
  return present !== undefined && sessions.some((each) => !each.isPresent && credential(each) === credential(present))
}
