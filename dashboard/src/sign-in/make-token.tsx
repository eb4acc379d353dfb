import { type FormEvent, type JSX, useState } from 'react'
import { type ApiError, asApiError, ask } from '../api/api'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { Secret } from '../parts/secret'
import { texts } from '../texts'
import { CreateToken } from './documents'

/** An administrator makes the token that an engine reports with; the secret is shown once, here. */
export function MakeToken({ engine, onEngine }: { engine: string; onEngine: (engine: string) => void }): JSX.Element {
  const viewer = useViewer()
  const [made, setMade] = useState<{ engine: string; secret: string } | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setError(null)
    try {
      const input = { name: engine.trim(), role: 'RUNNER' as const, engine: engine.trim() }
      const { createToken } = await ask(CreateToken, { input })
      setMade({ engine: engine.trim(), secret: createToken.secret })
    } catch (reason) {
      setError(asApiError(reason))
    }
    setBusy(false)
  }
  const command = made ? `export TOKEN=${made.secret}` : ''
  return (
    <div className="make-token">
      <form onSubmit={(event) => void submit(event)}>
        <label>
          {texts.token.engine}{' '}
          <input value={engine} required maxLength={100} autoComplete="off" onChange={(event) => onEngine(event.target.value)} />
        </label>
        {viewer?.role === 'ADMIN' && (
          <button type="submit" aria-disabled={busy}>
            {texts.token.make}
          </button>
        )}
      </form>
      {viewer && viewer.role !== 'ADMIN' && <p className="dim">{texts.token.askAdmin}</p>}
      {error && <ErrorBox error={error} />}
      {made && (
        <div className="made" role="status">
          <p>{texts.token.shownOnce(made.engine)}</p>
          <Secret what={texts.token.secret} text={command} />
        </div>
      )}
    </div>
  )
}
