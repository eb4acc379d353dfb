import { type FormEvent, type JSX, useRef, useState } from 'react'
import { type ApiError, ask, asApiError } from '../api/api'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { viewsTexts as texts } from '../views-texts'
import { DeleteView, type SavedView, SaveView } from './documents'
import { loadViews } from './store'

/** Saves the view that is shown under a name, also over one that has it; renames and deletes those that are there. */
export function Manage({
  views, page, query, onClose,
}: {
  views: readonly SavedView[]
  /** Null: what is shown cannot be saved. */
  page: string | null
  query: string
  onClose: () => void
}): JSX.Element {
  const viewer = useViewer()
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  const [renamed, setRenamed] = useState<SavedView | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const admin = viewer?.role === 'ADMIN'
  const mine = views.filter((view) => (view.shared ? admin : view.owner === viewer?.name))
  const same = mine.find((view) => view.name === name.trim() && view.shared === shared)
  const change = async (work: () => Promise<unknown>, said: string): Promise<boolean> => {
    if (busy) return false
    setBusy(true)
    setError(null)
    try {
      await work()
      toast(said)
      await loadViews()
      return true
    } catch (reason) {
      setError(asApiError(reason))
      return false
    } finally {
      setBusy(false)
    }
  }
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const what = renamed ?? (page === null ? null : { id: same?.id ?? null, page, query })
    if (what === null) return
    const input = { id: what.id, page: what.page, query: what.query, name: name.trim(), shared }
    if (await change(() => ask(SaveView, { input }), texts.saved(name.trim()))) onClose()
  }
  return (
    <Dialog title={texts.manageTitle} onClose={onClose} className="manage-views">
      {page === null && renamed === null ? <p className="dim">{texts.cannot}</p> : <form onSubmit={(event) => void save(event)}>
        <label>
          {texts.name} <input ref={field} value={name} required maxLength={100} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </label>
        {admin && (
          <label className="choice">
            <input type="checkbox" checked={shared} onChange={(event) => setShared(event.target.checked)} /> {texts.shareIt}
          </label>
        )}
        <button type="submit" className="primary" aria-disabled={busy}>
          {renamed ? texts.rename : same ? texts.saveOver : texts.submit}
        </button>
      </form>}
      {error && <ErrorBox error={error} />}
      {mine.length === 0 && <p className="dim">{texts.none}</p>}
      <ul>
        {mine.map((view) => (
          <li key={view.id}>
            <span className="cut">{view.name}</span> <span className="dim">{texts.of(view.page)}</span>
            {view.shared && <small className="dim">{texts.shared}</small>}
            <button
              type="button"
              className="link"
              aria-label={texts.renameIt(view.name)}
              onClick={() => {
                setRenamed(view)
                setName(view.name)
                setShared(view.shared)
                field.current?.focus()
              }}
            >
              {texts.rename}
            </button>
            <button
              type="button"
              className="bare"
              aria-label={texts.remove(view.name)}
              onClick={() => void change(() => ask(DeleteView, { id: view.id }), texts.deleted(view.name))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
