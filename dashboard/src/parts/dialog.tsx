import { type JSX, type ReactNode, useEffect, useId, useRef } from 'react'
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
  useEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close() // gives the focus back
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
