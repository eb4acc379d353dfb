import { type JSX, type ReactNode, useEffect, useId, useRef, useState } from 'react'

const DELAY_MS = 400

/** Text that appears on hover and on focus; the child is described by it. `label` also names the child. */
export function Tooltip({
  text,
  children,
  className,
  focusable = false,
  inRow = false,
}: {
  /** A function is asked when it shows: a list has many that nobody looks at. */
  text: string | (() => string)
  children: ReactNode
  className?: string
  /** Whether the child is no control, and has to take the focus itself. */
  focusable?: boolean
  /** Whether it shows too while the row around it has the focus of the keyboard: its cells have none. */
  inRow?: boolean
}): JSX.Element {
  const id = useId()
  const tip = useRef<HTMLSpanElement>(null)
  const wrapper = useRef<HTMLSpanElement>(null)
  const [shown, setShown] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const anchor = `--tip-${id.replaceAll(/[^\w-]/g, '')}`
  const show = (delay: number): void => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setShown(true), delay)
  }
  const hide = (): void => {
    clearTimeout(timer.current)
    setShown(false)
  }
  useEffect(() => {
    if (shown) tip.current?.showPopover()
  }, [shown])
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    const row = inRow ? wrapper.current?.closest<HTMLElement>('[role=row]') : null
    if (!row) return
    const focused = (): void => {
      if (row.matches(':focus-visible')) show(DELAY_MS)
    }
    row.addEventListener('focus', focused)
    row.addEventListener('blur', hide)
    return () => {
      row.removeEventListener('focus', focused)
      row.removeEventListener('blur', hide)
    }
    // `show` and `hide` are new each time, and do the same.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [inRow])
  return (
    // The wrapper only watches: the control is inside, or it is text that takes the focus for its description.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <span
      ref={wrapper}
      className={className}
      style={{ anchorName: anchor } as React.CSSProperties}
      tabIndex={focusable ? 0 : undefined}
      aria-describedby={shown ? id : undefined}
      onPointerEnter={() => show(DELAY_MS)}
      onPointerLeave={hide}
      onFocus={() => show(0)}
      onBlur={hide}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && shown) {
          event.stopPropagation()
          hide()
        }
      }}
    >
      {children}
      {shown && (
        <span
          ref={tip}
          id={id}
          role="tooltip"
          popover="manual"
          className="tooltip"
          style={{ positionAnchor: anchor } as React.CSSProperties}
        >
          {typeof text === 'string' ? text : text()}
        </span>
      )}
    </span>
  )
}
