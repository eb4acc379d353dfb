import { type JSX, type ReactNode, useState } from 'react'
import { Icon } from '../frame/icons'
import { Dialog } from '../parts/dialog'
import { useKeys } from '../parts/keys'
import { texts } from '../texts'

/** On a phone what narrows a page is behind a button, in a sheet that says what it will show. `chosen`: how many do. */
export function FilterSheet({ chosen, shows, children }: { chosen: number; shows: string; children: ReactNode }): JSX.Element {
  const [open, setOpen] = useState(false)
  useKeys({ f: () => setOpen(true) })
  return (
    <>
      <button type="button" className="open-filters" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="filter" />
        <span className="visually-hidden">{texts.filter.all}</span>
        {chosen > 0 && <b className="numbers">{texts.number(chosen)}</b>}
      </button>
      {open && (
        <Dialog title={texts.filter.all} onClose={() => setOpen(false)} className="bottom">
          <div className="filter-bar">{children}</div>
          <div className="actions">
            <button type="button" className="primary" onClick={() => setOpen(false)}>
              {shows}
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
