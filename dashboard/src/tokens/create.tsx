import { type JSX, useState } from 'react'
import { ask } from '../api/api'
import { once } from '../api/unanswered'
import { Dialog } from '../parts/dialog'
import { FormEnd, useSubmit } from '../parts/form'
import { Secret } from '../parts/secret'
import { now } from '../time/clock'
import { tokenTexts } from '../token-texts'
import { type Made, NewToken } from './documents'

const DAY_MS = 86_400_000
const ROLES = ['VIEWER', 'ADMIN', 'RUNNER'] as const

/** Makes a token and shows its secret, once. */
export function Create({ onMade, onClose }: { onMade: () => void; onClose: () => void }): JSX.Element {
  const [name, setName] = useState('')
  const [role, setRole] = useState<(typeof ROLES)[number]>('VIEWER')
  const [engine, setEngine] = useState('')
  const [days, setDays] = useState('')
  const [made, setMade] = useState<Made | null>(null)
  const sent = useSubmit(async () => {
    const expiresAt = days === '' ? null : new Date(now() + Number(days) * DAY_MS).toISOString()
    const asked = { name: name.trim(), role, engine: role === 'RUNNER' ? engine.trim() : null }
    // A second one, whose secret nobody has seen, would be valid until somebody wonders what it is.
    const request = `createToken ${JSON.stringify([asked, days])}`
    const { createToken } = await once(request, (idempotencyKey) => ask(NewToken, { input: { ...asked, expiresAt, idempotencyKey } }))
    setMade(createToken)
    onMade()
  })
  if (made) {
    return (
      <Dialog title={tokenTexts.madeTitle} onClose={onClose}>
        <p role="status">{tokenTexts.shownOnce}</p>
        <Secret what={tokenTexts.secret} text={made.secret} />
        <div className="actions">
          <button type="button" className="primary" onClick={onClose}>
            {tokenTexts.done}
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title={tokenTexts.create} onClose={onClose} className="new-token">
      <form onSubmit={sent.submit}>
        <label>
          {tokenTexts.name}
          <input value={name} required maxLength={100} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </label>
        <fieldset>
          <legend>{tokenTexts.role}</legend>
          {ROLES.map((each) => (
            <label key={each} className="choice">
              <input type="radio" name="role" checked={role === each} onChange={() => setRole(each)} />
              <span>
                {tokenTexts.roles[each]} <span className="dim">{tokenTexts.means[each]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {role === 'RUNNER' && (
          <label>
            {tokenTexts.engine}
            <input value={engine} required maxLength={100} autoComplete="off" onChange={(event) => setEngine(event.target.value)} />
          </label>
        )}
        <label>
          {tokenTexts.expires}
          <select value={days} onChange={(event) => setDays(event.target.value)}>
            {Object.entries(tokenTexts.lifetimes)
              .toSorted(([one], [other]) => Number(one) - Number(other))
              .map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
          </select>
        </label>
        <FormEnd sent={sent} word={tokenTexts.make} onClose={onClose} />
      </form>
    </Dialog>
  )
}
