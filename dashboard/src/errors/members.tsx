import type { JSX } from 'react'
import { ask } from '../api/api'
import { errorTexts } from '../error-texts'
import { toast, toastError } from '../parts/announce'
import { texts } from '../texts'
import { type Group, Unmerge } from './documents'

/** The groups that were merged into this one; an administrator takes them out again. */
export function Members({ members, admin, onChanged }: { members: Group['members']; admin: boolean; onChanged: () => void }): JSX.Element {
  const takeOut = async (id: string): Promise<void> => {
    try {
      await ask(Unmerge, { id })
      toast(errorTexts.takenOut)
    } catch (reason) {
      toastError(reason)
    }
    onChanged()
  }
  return (
    <section className="members" aria-labelledby="members">
      <h2 id="members">{errorTexts.fact.members}</h2>
      <ul>
        {members.map(({ id, type, message, count, mergedBy }) => (
          <li key={id}>
            <span className="what">
              {type !== null && <b>{type}</b>} {message ?? texts.none}
            </span>
            <span className="dim numbers">
              {texts.number(count)} · {mergedBy}
            </span>
            {admin && (
              <button type="button" aria-label={errorTexts.takeOutOf(message ?? type ?? id)} onClick={() => void takeOut(id)}>
                {errorTexts.takeOut}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
