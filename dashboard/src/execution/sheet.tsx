import { type JSX, useEffect, useRef, useState } from 'react'
import type { RunRow } from '../filter/documents'
import { useKeptView } from '../log/view'
import { CopyButton } from '../parts/copy'
import { useIsPhone } from '../parts/row-height'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import { Detail } from './detail'
import { linkOf } from './share'
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
  const phone = useIsPhone()
  const state = useRun(id)
  const view = useKeptView(id)
  const [compared, setCompared] = useState<{ of: string; other: string | null }>({ of: id, other: null })
  useEffect(() => {
    const { current } = dialog
    if (!current?.open) current?.show()
    // Its first button would take the focus, and a ring: the sheet itself does, and Tab goes on in it.
    current?.focus({ preventScroll: true })
  }, [])
  // Another run begins at its top.
  useEffect(() => {
    void dialog.current?.scrollTo({ top: 0 }) // in some browsers a promise, which is no clean-up
  }, [id])
  return (
    <dialog
      ref={dialog}
      className="sheet"
      tabIndex={-1}
      aria-label={runTexts.execution.sheet}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.defaultPrevented) {
          event.preventDefault()
          onClose()
        }
      }}
    >
      <div className="sheet-bar">
        {phone && (
          <button type="button" className="bare close" onClick={onClose}>
            <span aria-hidden="true">‹</span> {runTexts.execution.back}
          </button>
        )}
        <button type="button" className="bare" title={runTexts.execution.previous} onClick={() => onStep(-1)}>
          <span className="visually-hidden">{runTexts.execution.previous}</span>
          <span aria-hidden="true">
            ↑ <kbd>k</kbd>
          </span>
        </button>
        <button type="button" className="bare" title={runTexts.execution.next} onClick={() => onStep(1)}>
          <span className="visually-hidden">{runTexts.execution.next}</span>
          <span aria-hidden="true">
            ↓ <kbd>j</kbd>
          </span>
        </button>
        <span className="end">
          <CopyButton className="bare" what={runTexts.execution.link} text={linkOf({ id })}>
            {runTexts.execution.copyLink}
          </CopyButton>
          <a className="button bare" href={hrefs.execution(id)}>
            {runTexts.execution.openPage} <kbd>o</kbd>
          </a>
          {!phone && (
            <button type="button" className="bare close" aria-label={texts.dialog.close} onClick={onClose}>
              ✕
            </button>
          )}
        </span>
      </div>
      <Detail
        id={id}
        state={state}
        log={view}
        onOpen={onOpen}
        onRetried={onRetried}
        compared={compared.of === id ? compared.other : null}
        onCompare={(other) => setCompared({ of: id, other })}
        sheet
      />
    </dialog>
  )
}
