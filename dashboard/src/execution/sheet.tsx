import { type JSX, useEffect, useRef } from 'react'
import type { RunRow } from '../filter/documents'
import { texts } from '../texts'
import { Detail } from './detail'
import { useRun } from './use-run'

/** A run beside the list: not modal, so that the list stays usable and j and k go on in it. */
export function ExecutionSheet({
  id,
  onClose,
  onOpen,
  onStep,
  onRetried,
}: {
  id: string
  onClose: () => void
  onOpen: (id: string) => void
  onStep: (by: 1 | -1) => void
  onRetried: (made: RunRow) => void
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const state = useRun(id)
  useEffect(() => {
    dialog.current?.show()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="sheet"
      aria-label={texts.execution.sheet}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) {
          event.preventDefault()
          onClose()
        }
      }}
    >
      <div className="sheet-bar">
        <button type="button" className="bare" onClick={() => onStep(-1)}>
          <span className="visually-hidden">{texts.execution.previous}</span>
          <span aria-hidden="true">
            ‹ <kbd>k</kbd>
          </span>
        </button>
        <button type="button" className="bare" onClick={() => onStep(1)}>
          <span className="visually-hidden">{texts.execution.next}</span>
          <span aria-hidden="true">
            › <kbd>j</kbd>
          </span>
        </button>
        <button type="button" className="bare close" aria-label={texts.dialog.close} onClick={onClose}>
          ✕
        </button>
      </div>
      <Detail id={id} state={state} onOpen={onOpen} onRetried={onRetried} sheet />
    </dialog>
  )
}
