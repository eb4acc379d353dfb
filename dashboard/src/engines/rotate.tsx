import { type FormEvent, type JSX, useState } from 'react'
import { type ApiError, ask, asApiError } from '../api/api'
import { engineTexts } from '../engine-texts'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { texts } from '../texts'
import { Connected } from './connected'
import { type Engine, Rotate } from './documents'

/** Gives the webhook of an engine another secret, which is shown once. */
export function RotateDialog({ engine, onClose }: { engine: Engine; onClose: () => void }): JSX.Element {
  const { form } = engineTexts
  const [hours, setHours] = useState('24')
  const [secret, setSecret] = useState<string | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  // A second renewal would take the secret that the engine has before it knows the new one.
  const [key] = useState(() => crypto.randomUUID())
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setError(null)
    try {
      const input = { id: engine.id, overlapHours: Number(hours), idempotencyKey: key }
      setSecret((await ask(Rotate, { input })).rotateEngineSecret.signingSecret)
    } catch (reason) {
      setError(asApiError(reason))
    }
    setBusy(false)
  }
  if (secret !== null) return <Connected engine={engine.name} kind="WEBHOOK" secret={secret} title={form.rotated(engine.name)} onClose={onClose} />
  return (
    <Dialog title={form.rotateTitle(engine.name)} onClose={onClose} className="engine-form">
      <form onSubmit={(event) => void submit(event)}>
        <p>{form.rotateText}</p>
        <label>
          {form.overlap}
          <select value={hours} onChange={(event) => setHours(event.target.value)}>
            {Object.entries(form.overlaps)
              .toSorted(([one], [other]) => Number(one) - Number(other))
              .map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
          </select>
        </label>
        {error && <ErrorBox error={error} />}
        <div className="actions">
          <button type="button" onClick={onClose}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" aria-disabled={busy}>
            {form.rotate}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
