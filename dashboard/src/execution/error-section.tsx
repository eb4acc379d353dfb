import type { JSX } from 'react'
import { CopyButton } from '../parts/copy'
import { changeSettings, useSettings } from '../parts/settings'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import type { Run } from './documents'
import { framesOf } from './frames'
import { PartTitle } from './part-title'

/** Why a run failed: what an administrator came for, so it stands first and needs no scrolling. */
export function ErrorSection({ error, step }: { error: NonNullable<Run['error']>; step: string | null }): JSX.Element {
  const { group } = error
  return (
    <section className="part error-part" aria-labelledby="part-error">
      <header>
        <PartTitle id="part-error">{error.type ?? texts.execution.error}</PartTitle>
        {group && group.count > 1 && (
          <a href={hrefs.history(new URLSearchParams({ group: group.id }))}>
            {texts.execution.occurrences(group.count)} <span className="dim">{texts.execution.since}</span>{' '}
            <When at={group.firstSeenAt} />
          </a>
        )}
        <CopyButton what={texts.execution.message} text={error.message} />
      </header>
      <p className="message">
        {step !== null && <b>{step}: </b>}
        {error.message}
      </p>
      {error.stackTrace !== null && <StackTrace text={error.stackTrace} />}
      {error.truncated && <p className="dim">{texts.execution.truncated}</p>}
    </section>
  )
}

/** Three views of a trace: the frames of one's own code, all of them, and the text as it was sent. */
function StackTrace({ text }: { text: string }): JSX.Element {
  const { frames: wanted } = useSettings()
  const frames = framesOf(text)
  const view = frames ? wanted : 'raw'
  return (
    <details className="trace" open>
      <summary>{texts.execution.stackTrace}</summary>
      <div className="trace-tools">
        {frames && (
          <span role="group" aria-label={texts.execution.stackTrace} className="views">
            {(['own', 'all', 'raw'] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={view === each}
                onClick={() => changeSettings({ frames: each })}
              >
                {texts.execution.frames[each]}
              </button>
            ))}
          </span>
        )}
        <CopyButton what={texts.execution.stackTrace} text={text} />
      </div>
      {view === 'raw' || !frames ? (
        // A long line scrolls by itself: the focus lets the keyboard do so too.
        <pre tabIndex={0} aria-label={texts.execution.stackTrace}>
          {text}
        </pre>
      ) : (
        <ol className="frames mono">
          {frames.map((frame, index) => {
            if ('cause' in frame) {
              return (
                <li key={index} className="cause">
                  {frame.cause}
                </li>
              )
            }
            const hidden = view === 'own' && frame.library
            const before = frames[index - 1]
            if (hidden && before && 'library' in before && before.library) return null
            if (hidden) {
              let count = 0
              for (let at = index; at < frames.length; at++) {
                const each = frames[at]!
                if (!('library' in each) || !each.library) break
                count++
              }
              return (
                <li key={index} className="dim">
                  {texts.execution.libraryFrames(count)}
                </li>
              )
            }
            return (
              <li key={index}>
                <span className="place">
                  {frame.file}
                  {frame.line !== null && `:${frame.line}`}
                </span>{' '}
                {frame.name && <span className="dim">{texts.execution.inFunction(frame.name)}</span>}
                {frame.source && <code className="cut">{frame.source}</code>}
              </li>
            )
          })}
        </ol>
      )}
    </details>
  )
}
