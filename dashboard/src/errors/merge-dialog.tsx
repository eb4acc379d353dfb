import { type JSX, useState } from 'react'
import { type ApiError, asApiError, ask, given } from '../api/api'
import { errorTexts } from '../error-texts'
import { NameSearch } from '../frame/name-search'
import { toast } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { usePolled } from '../parts/use-polled'
import { texts } from '../texts'
import { Merge, OtherGroups } from './documents'

/** As far back as figures go. */
const YEAR_MS = 400 * 86_400_000
/** What is chosen from does not change under the pointer. */
const NEVER_MS = 2 ** 31 - 1

/** The group that another one becomes part of. */
export function MergeDialog({ id, onClose, onMerged }: { id: string; onClose: () => void; onMerged: (into: string) => void }): JSX.Element {
  const [search, setSearch] = useState('')
  const [into, setInto] = useState<string | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const others = usePolled(
    search,
    async (signal, at) => {
      const filter = { from: new Date(at - YEAR_MS).toISOString(), to: new Date(at).toISOString() }
      const { errorGroups } = await ask(OtherGroups, { filter, search: search.trim() || null }, { signal })
      return given(errorGroups).edges.filter(({ node }) => node.id !== id)
    },
    NEVER_MS,
  )
  const merge = async (): Promise<void> => {
    if (into === null) return
    try {
      await ask(Merge, { from: id, into })
    } catch (reason) {
      setError(asApiError(reason))
      return
    }
    toast(errorTexts.merged)
    onClose()
    onMerged(into)
  }
  return (
    <Dialog title={errorTexts.mergeTitle} onClose={onClose} className="of-group">
      <p>{errorTexts.mergeHint}</p>
      <NameSearch label={errorTexts.search} value={search} onChange={setSearch} />
      <fieldset aria-busy={others.stale}>
        <legend className="visually-hidden">{errorTexts.mergeWith}</legend>
        {others.error && <ErrorBox error={others.error} retry={others.again} />}
        {others.data?.length === 0 && <p className="dim">{errorTexts.noneMatches}</p>}
        {others.data?.map(({ count, node }) => (
          <label key={node.id}>
            <input type="radio" name="into" checked={into === node.id} onChange={() => setInto(node.id)} />
            <span className="what">
              {node.type !== null && <b>{node.type}</b>} {node.message}
            </span>
            <span className="dim numbers">{texts.number(count)}</span>
          </label>
        ))}
      </fieldset>
      {error && <ErrorBox error={error} />}
      <div className="actions">
        <button type="button" onClick={onClose}>
          {texts.dialog.cancel}
        </button>
        <button type="button" className="primary" aria-disabled={into === null} onClick={() => void merge()}>
          {errorTexts.merge}
        </button>
      </div>
    </Dialog>
  )
}
