import { type JSX, useSyncExternalStore } from 'react'
import { type ApiError, asApiError } from '../api/api'
import { texts } from '../texts'

/** The one polite voice of the page, and its toasts. */

const TOAST_MS = 8_000

interface Toast {
  id: number
  text: string
  link?: { href: string; text: string }
  error?: ApiError
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
  const made = show({ text, ...(link ? { link } : {}) })
  setTimeout(() => drop(made), TOAST_MS)
}

/** Show what became of nothing, and why, until somebody takes it away. */
export function toastError(reason: unknown, say = (why: string): string => why): void {
  const error = asApiError(reason)
  // The sign-in over the page says so.
  if (error.code !== 'UNAUTHENTICATED') show({ text: say(error.message), error })
}

function show(told: Omit<Toast, 'id'>): Toast {
  const made = { id: ++count, ...told }
  // The same once more stands where it stood: a key that is pressed often would pile it up.
  toasts = [...toasts.filter((each) => each.text !== told.text), made]
  announce(told.text)
  return made
}

function drop(gone: Toast): void {
  toasts = toasts.filter((each) => each !== gone)
  tell()
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
        {shown.map((each) => (
          <p key={each.id} className="toast">
            {each.text} {each.link && <a href={each.link.href}>{each.link.text}</a>}
            {each.error && <Origin error={each.error} onClose={() => drop(each)} />}
          </p>
        ))}
      </div>
    </>
  )
}

function Origin({ error: { code, requestId }, onClose }: { error: ApiError; onClose: () => void }): JSX.Element {
  return (
    <>
      <small>{[texts.error.code(code), ...(requestId === null ? [] : [texts.error.request(requestId)])].join(' · ')}</small>
      <button type="button" className="bare" aria-label={texts.dialog.close} onClick={onClose}>
        ✕
      </button>
    </>
  )
}
