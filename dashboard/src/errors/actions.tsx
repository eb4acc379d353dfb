import type { JSX } from 'react'
import { errorTexts } from '../error-texts'
import type { Choice } from '../filter/filter'
import { Menu, MenuItem } from '../parts/menu'
import { texts } from '../texts'
import { MuteItems, useActing } from './acting'
import type { Group } from './documents'

/** What an administrator does with the group of a page. */
export function Actions({
  group, choice, unresolved, onChanged,
}: {
  group: Group
  choice: Choice
  /** Whether any of its runs in the time is; true while nobody knows. */
  unresolved: boolean
  onChanged: () => void
}): JSX.Element {
  const acting = useActing(choice, onChanged)
  const { id, state } = group
  return (
    <>
      {unresolved && (
        <button type="button" onClick={() => acting.open(id, 'retry')}>
          {errorTexts.retry}
        </button>
      )}
      {state !== 'RESOLVED' && (
        <button type="button" title={errorTexts.resolveHint} onClick={() => acting.mark(id, 'RESOLVED')}>
          {errorTexts.resolve}
        </button>
      )}
      {state !== 'OPEN' && (
        <button type="button" onClick={() => acting.mark(id, null)}>
          {errorTexts.reopen}
        </button>
      )}
      <Menu button={<>{errorTexts.mute} ▾</>}>
        <MuteItems id={id} acting={acting} />
      </Menu>
      <Menu button="⋯" label={errorTexts.actions}>
        {unresolved && <MenuItem onChoose={() => acting.open(id, 'byHand')}>{texts.history.resolveByHand}</MenuItem>}
        <MenuItem onChoose={() => acting.open(id, 'merge')}>{errorTexts.mergeInto}</MenuItem>
        {group.splitBy.length > 0 ? (
          <MenuItem onChoose={() => acting.unsplit(id)}>{errorTexts.unsplit}</MenuItem>
        ) : (
          <MenuItem onChoose={() => acting.open(id, 'split')}>{errorTexts.split}</MenuItem>
        )}
      </Menu>
      {acting.dialog}
    </>
  )
}
