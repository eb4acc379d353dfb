import { type JSX, type ReactNode, useState } from 'react'
import { type ApiError, asApiError } from '../api/api'
import { texts } from '../texts'
import { Dialog } from './dialog'
import { ErrorBox } from './error-box'

/** Asks before something that nobody can take back. `act` does it, and closes the dialog; what it throws is shown. */
export function Confirm({
  title,
  word,
  act,
  onClose,
  children,
}: {
  title: string
  /** What the button says. */
  word: string
  act: () => Promise<void>
  onClose: () => void
  children: ReactNode
}): JSX.Element {
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const confirm = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    setError(null)
    try {
      await act()
    } catch (reason) {
      setError(asApiError(reason))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error && <ErrorBox error={error} />}
      <div className="actions">
        <button type="button" onClick={onClose}>
          {texts.dialog.cancel}
        </button>
        <button type="button" className="primary" aria-disabled={busy} onClick={() => void confirm()}>
          {word}
        </button>
      </div>
    </Dialog>
  )
}
