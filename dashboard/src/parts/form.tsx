import { type FormEvent, type JSX, useState } from 'react'
import { type ApiError, asApiError } from '../api/api'
import { texts } from '../texts'
import { ErrorBox } from './error-box'

interface Submission {
  error: ApiError | null
  busy: boolean
  submit: (event: FormEvent) => void
}

/** Does `work` when a form is sent, once at a time; what it throws is the error. */
export function useSubmit(work: () => Promise<void>): Submission {
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      await work()
    } catch (reason) {
      setError(asApiError(reason))
    }
    setBusy(false)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (!busy) void run()
  }
  return { error, busy, submit }
}

/** The end of a dialog's form: what went wrong, and its two buttons. */
export function FormEnd({ sent, word, onClose }: { sent: Submission; word: string; onClose: () => void }): JSX.Element {
  return (
    <>
      {sent.error && <ErrorBox error={sent.error} />}
      <div className="actions">
        <button type="button" onClick={onClose}>
          {texts.dialog.cancel}
        </button>
        <button type="submit" className="primary" aria-disabled={sent.busy}>
          {word}
        </button>
      </div>
    </>
  )
}
