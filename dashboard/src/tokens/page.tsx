import { type JSX, useEffect, useState } from 'react'
import { given } from '../api/api'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { now } from '../time/clock'
import { tokenTexts } from '../token-texts'
import { Create } from './create'
import { type Token, Tokens } from './documents'
import { Table } from './table'
import '../style/listing.css'
import './tokens.css'

/** Who may sign in by a token: for administrators alone, and others are told so. */
export function TokensPage(): JSX.Element {
  const viewer = useViewer()
  useEffect(() => {
    document.title = `${tokenTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="tokens-page">
      {viewer?.role === 'ADMIN' && <Administrators />}
      {viewer && viewer.role !== 'ADMIN' && (
        <>
          <h1>{tokenTexts.title}</h1>
          <div className="empty" role="status">
            <h2>{tokenTexts.forbidden}</h2>
            <p>{tokenTexts.forbiddenHint}</p>
            <a className="button" href={hrefs.history()}>
              {texts.frame.toHistory}
            </a>
          </div>
        </>
      )}
    </div>
  )
}

function Administrators(): JSX.Element {
  const { data, error, again } = useAsked(Tokens, {})
  const [creating, setCreating] = useState(false)
  const [all, setAll] = useState(false)
  const tokens = data && given(data.tokens)
  const shown = tokens?.filter((token) => all || isValid(token))
  return (
    <>
      <header>
        <h1>{tokenTexts.title}</h1>
        <button type="button" className="primary" onClick={() => setCreating(true)}>
          {tokenTexts.create}
        </button>
      </header>
      {error && <ErrorBox error={error} retry={again} />}
      {!tokens && !error && <p className="skeleton">{texts.loading}</p>}
      {tokens && (
        <label className="choice">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> {tokenTexts.all}
        </label>
      )}
      {shown?.length === 0 && (
        <p className="dim" role="status">
          {tokenTexts.none}
        </p>
      )}
      {shown && shown.length > 0 && <Table tokens={shown} onChanged={again} />}
      {creating && (
        <Create
          onMade={again}
          onClose={() => setCreating(false)}
        />
      )}
    </>
  )
}

/** Whether somebody can sign in with it. */
export function isValid({ revokedAt, expiresAt }: Token): boolean {
  return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > now())
}
