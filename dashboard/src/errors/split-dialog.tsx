import { type JSX, useState } from 'react'
import { type ApiError, asApiError, ask } from '../api/api'
import { errorTexts } from '../error-texts'
import { toast } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { texts } from '../texts'
import { Split } from './documents'

type By = keyof typeof errorTexts.splitBy
const ALL = Object.keys(errorTexts.splitBy) as By[]

/** By what the runs of a group are told apart from now on. */
export function SplitDialog({ id, onClose, onSplit }: { id: string; onClose: () => void; onSplit: () => void }): JSX.Element {
  const [by, setBy] = useState<By[]>([])
  const [error, setError] = useState<ApiError | null>(null)
  const split = async (): Promise<void> => {
    try {
      await ask(Split, { id, by })
    } catch (reason) {
      setError(asApiError(reason))
      return
    }
    toast(errorTexts.splitDone)
    onSplit()
    onClose()
  }
  return (
    <Dialog title={errorTexts.splitTitle} onClose={onClose} className="of-group">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (by.length) void split()
        }}
      >
        <p>{errorTexts.splitHint}</p>
        <fieldset>
          <legend className="visually-hidden">{errorTexts.chooseOne}</legend>
          {ALL.map((each) => (
            <label key={each}>
              <input
                type="checkbox"
                checked={by.includes(each)}
                onChange={({ target }) => setBy(target.checked ? [...by, each] : by.filter((other) => other !== each))}
              />{' '}
              {errorTexts.splitBy[each]}
            </label>
          ))}
        </fieldset>
        {error && <ErrorBox error={error} />}
        <div className="actions">
          <button type="button" onClick={onClose}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" aria-disabled={by.length === 0} title={by.length ? undefined : errorTexts.chooseOne}>
            {errorTexts.splitGo}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
