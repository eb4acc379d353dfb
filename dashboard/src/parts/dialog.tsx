import { type JSX, type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { texts } from '../texts'

/** A modal dialog: takes the focus, gives it back, closes by Escape. Without `onClose` nothing closes it. */
export function Dialog({
  title,
  onClose,
  className = '',
  children,
}: {
  title: string
  onClose?: () => void
  className?: string
  children: ReactNode
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Its end comes while the dialog is still in the page: closing it then gives the focus back.
  useLayoutEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`modal ${className}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose?.()
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        {onClose && (
          <button type="button" className="bare" aria-label={texts.dialog.close} onClick={onClose}>
            ✕
          </button>
        )}
      </header>
      <div className="body">{children}</div>
    </dialog>
  )
}
