import { type JSX, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

/** A button that opens a menu: arrows, Home, End and typing move in it, Escape closes it and gives the focus back. */
export function Menu({
  button,
  label,
  className,
  children,
}: {
  button: ReactNode
  /** The button's name where its content is no text. */
  label?: string
  className?: string
  children: ReactNode
}): JSX.Element {
  const id = useId()
  const menu = useRef<HTMLDivElement>(null)
  const anchor = `--menu-${id.replaceAll(/[^\w-]/g, '')}`
  // What nobody has opened yet is not made.
  const [used, setUsed] = useState(false)
  return (
    <>
      <button
        type="button"
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        popoverTarget={id}
        // A browser moves the focus when it opens a popover; the toggle event comes later, when keys may be lost.
        onClick={() => {
          flushSync(() => setUsed(true))
          items(menu.current)[0]?.setAttribute('autofocus', '')
        }}
        style={{ anchorName: anchor } as React.CSSProperties}
      >
        {button}
      </button>
      <div
        ref={menu}
        id={id}
        role="menu"
        popover="auto"
        tabIndex={-1}
        className="menu"
        style={{ positionAnchor: anchor } as React.CSSProperties}
        onKeyDown={(event) => move(event, items(menu.current))}
        onClick={(event) => {
          if ((event.target as Element).closest('[role^=menuitem]')) menu.current?.hidePopover()
        }}
      >
        {used && children}
      </div>
    </>
  )
}

/** A menu without a button of its own, open at an element for as long as it is rendered; it gives the focus back. */
export function MenuAt({
  anchor,
  label,
  onClose,
  children,
}: {
  anchor: HTMLElement
  label: string
  onClose: () => void
  children: ReactNode
}): JSX.Element {
  const menu = useRef<HTMLDivElement>(null)
  useEffect(() => {
    anchor.style.setProperty('anchor-name', '--menu-at')
    menu.current?.showPopover()
    items(menu.current)[0]?.focus()
    return () => void anchor.style.removeProperty('anchor-name')
  }, [anchor])
  return (
    <div
      ref={menu}
      role="menu"
      aria-label={label}
      popover="auto"
      tabIndex={-1}
      className="menu"
      style={{ positionAnchor: '--menu-at' } as React.CSSProperties}
      onToggle={(event) => {
        if (event.newState === 'closed') onClose()
      }}
      onKeyDown={(event) => move(event, items(menu.current))}
      onClick={(event) => {
        if ((event.target as Element).closest('[role^=menuitem]')) menu.current?.hidePopover()
      }}
    >
      {children}
    </div>
  )
}

function items(menu: HTMLElement | null): HTMLElement[] {
  return [...(menu?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]
}

function move(event: KeyboardEvent, all: HTMLElement[]): void {
  const at = all.indexOf(document.activeElement as HTMLElement)
  const { key } = event
  let to: HTMLElement | undefined
  if (key === 'ArrowDown') to = all[(at + 1) % all.length]
  else if (key === 'ArrowUp') to = all.at(at <= 0 ? -1 : at - 1)
  else if (key === 'Home') to = all[0]
  else if (key === 'End') to = all.at(-1)
  else if (key.length === 1 && !event.ctrlKey && !event.metaKey && key !== ' ') {
    const after = [...all.slice(at + 1), ...all.slice(0, at + 1)]
    to = after.find((each) => each.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()))
  }
  if (!to) return
  event.preventDefault()
  event.stopPropagation()
  to.focus()
}

/** An entry; with `chosen` one of several, or a switch. */
export function MenuItem({
  onChoose,
  chosen,
  children,
}: {
  onChoose: () => void
  chosen?: boolean
  children: ReactNode
}): JSX.Element {
  return (
    <button
      type="button"
      role={chosen === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={chosen}
      tabIndex={-1}
      onClick={onChoose}
    >
      {chosen !== undefined && (
        <span className="tick" aria-hidden="true">
          {chosen ? '✓' : ''}
        </span>
      )}
      {children}
    </button>
  )
}
