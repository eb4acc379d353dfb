import { type JSX, useLayoutEffect, useRef, useState } from 'react'
import { CopyButton } from '../parts/copy'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { runTexts } from '../run-texts'
import type { Run } from './documents'
import { PartTitle } from './part-title'
import { StackTrace } from './stack-trace'

type Failure = NonNullable<Run['error']>

/** Why a run failed: what an administrator came for, so it stands first and needs no scrolling. */
export function ErrorSection({ error, step }: { error: Failure; step: string | null }): JSX.Element {
  const { group } = error
  return (
    <section className="part error-part" aria-labelledby="part-error">
      <header>
        <PartTitle id="part-error">{error.type ?? runTexts.execution.error}</PartTitle>
        <span className="end">
          {group && group.count > 1 && (
            <a href={hrefs.errors(group.id)} title={runTexts.execution.group(group.count)}>
              {runTexts.execution.occurrences(group.count)}{' '}
              <span className="dim">
                {runTexts.execution.since} <When at={group.firstSeenAt} />
              </span>
            </a>
          )}
          <CopyButton what={runTexts.execution.message} text={error.message} />
        </span>
      </header>
      <Message text={error.message} step={step} />
      {error.stackTrace !== null && <StackTrace text={error.stackTrace} frames={error.frames} />}
      {error.truncated && <p className="dim">{runTexts.execution.truncated}</p>}
    </section>
  )
}

/** The message; a long one is cut after some lines until somebody asks, so that steps and log stay in the window. */
function Message({ text, step }: { text: string; step: string | null }): JSX.Element {
  const [whole, setWhole] = useState(false)
  const [cut, setCut] = useState(false)
  const element = useRef<HTMLParagraphElement>(null)
  useLayoutEffect(() => {
    const { current } = element
    if (current && !whole) setCut(current.scrollHeight > current.clientHeight + 1)
  }, [text, whole])
  return (
    <>
      <p ref={element} className={`message ${whole ? '' : 'clamped'}`}>
        {step !== null && <b>{step}: </b>}
        {text}
      </p>
      {cut && !whole && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          {runTexts.execution.allOfMessage}
        </button>
      )}
    </>
  )
}
