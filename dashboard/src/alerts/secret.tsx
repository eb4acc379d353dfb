import { type JSX, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { ask } from '../api/api'
import { once } from '../api/unanswered'
import { Confirm } from '../parts/confirm'
import { Dialog } from '../parts/dialog'
import { Secret } from '../parts/secret'
import { RenewSecret } from './documents'

/** The secret by which a rule's webhook is signed, shown once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }): JSX.Element {
  const { form } = alertTexts
  return (
    <Dialog title={form.secret}>
      <p>{form.secretHint}</p>
      <Secret what={form.secret} text={secret} />
      <div className="actions">
        <button type="button" className="primary" onClick={onClose}>
          {form.done}
        </button>
      </div>
    </Dialog>
  )
}

/** Gives the webhook of a rule another secret, after a question. */
export function RenewDialog({ id, onClose }: { id: string; onClose: () => void }): JSX.Element {
  const [secret, setSecret] = useState<string | null>(null)
  if (secret !== null) return <SecretDialog secret={secret} onClose={onClose} />
  // A second renewal would take the secret that the receiver has before it knows the new one.
  const request = `renewAlertSecret ${id}`
  const renew = async (): Promise<void> => {
    const { renewAlertSecret } = await once(request, (key) => ask(RenewSecret, { id, key }))
    setSecret(renewAlertSecret.signingSecret)
  }
  return (
    <Confirm title={alertTexts.renewTitle} word={alertTexts.renew} act={renew} onClose={onClose}>
      <p>{alertTexts.renewHint}</p>
    </Confirm>
  )
}
