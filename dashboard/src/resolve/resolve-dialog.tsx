import { type JSX, useState } from 'react'
import { type ApiError, asApiError, ask } from '../api/api'
import type { ExecutionFilter } from '../filter/api-filter'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { resolveTexts } from '../resolve-texts'
import { texts } from '../texts'
import { now } from '../time/clock'
import { Resolve, Unresolve } from './documents'
import './resolve.css'

/** The API takes so many at once. */
const AT_ONCE = 1_000
const MAX_NOTE = 1_000

interface Done {
  ids: string[]
  skipped: number
}

/** Failures that were mended outside Runwatch: a note, and what became of it, with the way back. */
export function ResolveDialog({
  ids,
  filter,
  onClose,
  onChanged,
}: {
  /** The chosen runs; null: all that match the filter. */
  ids: readonly string[] | null
  filter: ExecutionFilter
  onClose: () => void
  /** Runs were resolved, or no longer are. */
  onChanged?: () => void
}): JSX.Element {
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const [done, setDone] = useState<Done | null>(null)
  const [undone, setUndone] = useState<number | null>(null)
  // What fails while the dialog is open was never meant.
  const [asOf] = useState(() => new Date(now()).toISOString())

  const run = (work: () => Promise<void>): void => {
    setBusy(true)
    setError(null)
    work()
      .catch((reason: unknown) => setError(asApiError(reason)))
      .finally(() => {
        setBusy(false)
        onChanged?.()
      })
  }
  const resolve = async (): Promise<void> => {
    const made: Done = { ids: [], skipped: 0 }
    const add = async (of: { ids: string[] } | { filter: ExecutionFilter }): Promise<boolean> => {
      const { resolveExecutions: answer } = await ask(Resolve, { input: { ...of, note: note.trim() } })
      made.ids.push(...answer.executions.map(({ id }) => id))
      made.skipped += answer.skippedCount
      return answer.more
    }
    if (ids !== null) {
      for (let at = 0; at < ids.length; at += AT_ONCE) await add({ ids: ids.slice(at, at + AT_ONCE) })
    } else {
      const until = { ...filter, queuedTo: filter.queuedTo ?? asOf }
      while (await add({ filter: until }));
    }
    setDone(made)
  }
  const undo = async (): Promise<void> => {
    let count = 0
    const all = done?.ids ?? []
    for (let at = 0; at < all.length; at += AT_ONCE) {
      count += (await ask(Unresolve, { ids: all.slice(at, at + AT_ONCE) })).unresolveExecutions.changedCount
    }
    setUndone(count)
  }
  return (
    <Dialog title={resolveTexts.title} onClose={onClose} className="resolve">
      {done === null ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (note.trim() && !busy) run(resolve)
          }}
        >
          <p>{resolveTexts.hint}</p>
          <p className="dim">{ids === null ? resolveTexts.ofFilter : resolveTexts.ofSelected(ids.length)}</p>
          <label>
            {resolveTexts.note}
            <textarea
              value={note}
              rows={3}
              required
              maxLength={MAX_NOTE}
              placeholder={resolveTexts.noteHint}
              onChange={(event) => setNote(event.target.value)}
            />
          </label>
          {error && <ErrorBox error={error} />}
          <div className="actions">
            <button type="button" onClick={onClose}>
              {texts.dialog.cancel}
            </button>
            <button type="submit" className="primary" aria-disabled={!note.trim() || busy}>
              {busy ? resolveTexts.going : resolveTexts.go}
            </button>
          </div>
        </form>
      ) : (
        <>
          <p role="status">
            {undone === null ? resolveTexts.done(done.ids.length) : resolveTexts.undone(undone)}{' '}
            {undone === null && done.skipped > 0 && resolveTexts.skipped(done.skipped)}
          </p>
          {error && <ErrorBox error={error} />}
          <div className="actions">
            {undone === null && done.ids.length > 0 && (
              <button type="button" aria-disabled={busy} onClick={() => !busy && run(undo)}>
                {resolveTexts.undo}
              </button>
            )}
            <button type="button" className="primary" onClick={onClose}>
              {resolveTexts.close}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
