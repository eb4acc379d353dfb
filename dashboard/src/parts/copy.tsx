import { type JSX, type ReactNode, useState } from 'react'
import { texts } from '../texts'
import { announce, toast } from './announce'

const SHOWN_MS = 1_500

/** Put text on the clipboard; says in place and politely that it is there. */
export function CopyButton({
  text,
  what,
  className = 'bare',
  tabIndex,
  children,
}: {
  text: string | (() => string)
  /** For its name: "Copy {what}". */
  what: string
  className?: string
  tabIndex?: number
  children?: ReactNode
}): JSX.Element {
  const [said, setSaid] = useState<string | null>(null)
  const copy = async (): Promise<void> => {
    const done = await writeClipboard(typeof text === 'string' ? text : text())
    const word = done ? texts.copy.copied : texts.copy.failed
    setSaid(word)
    announce(word)
    setTimeout(() => setSaid(null), SHOWN_MS)
  }
  return (
    <button type="button" className={className} tabIndex={tabIndex} aria-label={said ?? texts.copy.of(what)} onClick={() => void copy()}>
      {said ?? children ?? <CopyIcon />}
    </button>
  )
}

/** Put text on the clipboard, and say so where no button stays to say it. */
export async function copyAndSay(text: string, html?: string): Promise<void> {
  toast((await writeClipboard(text, html)) ? texts.copy.copied : texts.copy.failed)
}

/** The address of what is shown: the view, as a link. */
export function copyAddress(): void {
  void copyAndSay(location.href)
}

/** `html`: the same for whoever pastes into something that shows links. */
export async function writeClipboard(text: string, html?: string): Promise<boolean> {
  try {
    if (html === undefined) await navigator.clipboard.writeText(text)
    else {
      const as = (type: string, content: string): Blob => new Blob([content], { type })
      await navigator.clipboard.write([new ClipboardItem({ 'text/plain': as('text/plain', text), 'text/html': as('text/html', html) })])
    }
    return true
  } catch {
    return false
  }
}

/** How to ask for a run on the command line; the token is the reader's own. */
export function curlOf(id: string): string {
  const query = `{ execution(id: \\"${id}\\") { state error { message } trigger { data } } }`
  return `curl ${location.origin}/graphql -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"query": "${query}"}'`
}

function CopyIcon(): JSX.Element {
  return (
    <svg width="14" height="14" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.2v-.2a1 1 0 0 0-1-1H3.5a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h.2" />
    </svg>
  )
}
