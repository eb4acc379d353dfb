import { type JSX, useSyncExternalStore } from 'react'
import { texts } from '../texts'

/** The one polite voice of the page, and its toasts. */

const TOAST_MS = 8_000

interface Toast {
  id: number
  text: string
  link?: { href: string; text: string }
}

let spoken = ''
let toasts: readonly Toast[] = []
let count = 0
const watchers = new Set<() => void>()

function tell(): void {
  for (const watcher of watchers) watcher()
}

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

/** Say something to those who listen to the page. */
export function announce(text: string): void {
  spoken = spoken === text ? `${text}\u00a0` : text // a live region is silent about what it already holds
  tell()
}

/** Show a line for a while, and say it. */
export function toast(text: string, link?: Toast['link']): void {
  const made: Toast = { id: ++count, text, ...(link ? { link } : {}) }
  // The same once more stands where it stood: a key that is pressed often would pile it up.
  toasts = [...toasts.filter((each) => each.text !== text), made]
  announce(text)
  setTimeout(() => {
    toasts = toasts.filter((each) => each !== made)
    tell()
  }, TOAST_MS)
}

export function Voice(): JSX.Element {
  const text = useSyncExternalStore(subscribe, () => spoken)
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <>
      <p className="visually-hidden" aria-live="polite">
        {text}
      </p>
      <div className="toasts" role={shown.length ? 'region' : undefined} aria-label={shown.length ? texts.frame.messages : undefined}>
        {shown.map(({ id, text: line, link }) => (
          <p key={id} className="toast">
            {line} {link && <a href={link.href}>{link.text}</a>}
          </p>
        ))}
      </div>
    </>
  )
}
