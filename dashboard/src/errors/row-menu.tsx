import type { JSX } from 'react'
import { useLocation } from 'wouter'
import { errorTexts } from '../error-texts'
import type { Choice } from '../filter/filter'
import { useViewer } from '../frame/viewer'
import { behind } from '../metrics/figures'
import { copyAndSay } from '../parts/copy'
import { MenuAt, MenuItem } from '../parts/menu'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Acting, MuteItems } from './acting'
import type { GroupEdge } from './documents'

/** What can be done with one group: see its runs, and what an administrator does with it. */
export function RowMenu({
  edge, anchor, choice, acting, onClose,
}: {
  edge: GroupEdge
  anchor: HTMLElement
  choice: Choice
  acting: Acting
  onClose: () => void
}): JSX.Element {
  const [, go] = useLocation()
  const isAdmin = useViewer()?.role === 'ADMIN'
  const { unresolved, node: { id, message, state } } = edge
  return (
    <MenuAt anchor={anchor} label={errorTexts.menuOf(message)} onClose={onClose}>
      <MenuItem onChoose={() => go(`/history?${behind(choice, { group: [id] })}`)}>{errorTexts.seeRuns}</MenuItem>
      <MenuItem onChoose={() => void copyAndSay(location.origin + hrefs.errors(id))}>{texts.history.menu.copyLink}</MenuItem>
      {isAdmin && (
        <>
          <hr />
          {unresolved.value > 0 && <MenuItem onChoose={() => acting.open(id, 'retry')}>{errorTexts.retry}</MenuItem>}
          {state !== 'RESOLVED' && <MenuItem onChoose={() => acting.mark(id, 'RESOLVED')}>{errorTexts.resolve}</MenuItem>}
          {state !== 'OPEN' && <MenuItem onChoose={() => acting.mark(id, null)}>{errorTexts.reopen}</MenuItem>}
          <p className="heading">{errorTexts.mute}</p>
          <MuteItems id={id} acting={acting} />
        </>
      )}
    </MenuAt>
  )
}
