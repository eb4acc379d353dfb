import { type JSX, useEffect, useState } from 'react'
import { given } from '../api/api'
import { ForAdministrators } from '../frame/for-administrators'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { texts } from '../texts'
import { tokenTexts } from '../token-texts'
import { Create } from './create'
import { Tokens } from './documents'
import { overOf, Table } from './table'
import './tokens.css'

/** Who may sign in by a token: for administrators alone, and others are told so. */
export function TokensPage(): JSX.Element {
  const viewer = useViewer()
  const [creating, setCreating] = useState(false)
  useEffect(() => {
    document.title = `${tokenTexts.title} · ${texts.product}`
  }, [])
  return (
    <div className="listing-page">
      <header>
        <h1>{tokenTexts.title}</h1>
        {viewer?.role === 'ADMIN' && (
          <button type="button" className="primary" onClick={() => setCreating(true)}>
            {tokenTexts.create}
          </button>
        )}
      </header>
      <ForAdministrators forbidden={tokenTexts.forbidden} hint={tokenTexts.forbiddenHint}>
        <Administrators creating={creating} onCreated={() => setCreating(false)} />
      </ForAdministrators>
    </div>
  )
}

function Administrators({ creating, onCreated }: { creating: boolean; onCreated: () => void }): JSX.Element {
  const { data, error, again } = useAsked(Tokens, {})
  const [all, setAll] = useState(false)
  const tokens = data && given(data.tokens)
  const shown = tokens?.filter((token) => all || overOf(token) === null)
  return (
    <>
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
      {creating && <Create onMade={again} onClose={onCreated} />}
    </>
  )
}
