import { type JSX, useState } from 'react'
import { ask } from '../api/api'
import { once } from '../api/unanswered'
import { engineTexts } from '../engine-texts'
import { Dialog } from '../parts/dialog'
import { FormEnd, useSubmit } from '../parts/form'
import { Connected } from './connected'
import { type Engine, Rotate } from './documents'

/** Gives the webhook of an engine another secret, which is shown once. */
export function RotateDialog({ engine, onClose }: { engine: Engine; onClose: () => void }): JSX.Element {
  const { form } = engineTexts
  const [hours, setHours] = useState('24')
  const [secret, setSecret] = useState<string | null>(null)
  const sent = useSubmit(async () => {
    // A second renewal would take the secret that the engine has before it knows the new one.
    const request = `rotateEngineSecret ${engine.id}`
    const asked = { id: engine.id, overlapHours: Number(hours) }
    const { rotateEngineSecret } = await once(request, (idempotencyKey) => ask(Rotate, { input: { ...asked, idempotencyKey } }))
    setSecret(rotateEngineSecret.signingSecret)
  })
  if (secret !== null) return <Connected engine={engine.name} kind="WEBHOOK" secret={secret} title={form.rotated(engine.name)} onClose={onClose} />
  return (
    <Dialog title={form.rotateTitle(engine.name)} onClose={onClose} className="engine-form">
      <form onSubmit={sent.submit}>
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
        <FormEnd sent={sent} word={form.rotate} onClose={onClose} />
      </form>
    </Dialog>
  )
}
