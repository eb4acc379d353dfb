import { type JSX, useState } from 'react'
import { CopyButton } from '../parts/copy'
import { changeSettings, useSettings } from '../parts/settings'
import { runTexts } from '../run-texts'
import { type Frame, type Row, rowsOf, shortPath } from './frames'

/** As many rows stand there before somebody asks for more: the log below stays in the window. */
const SHORT = 4

/** Three views of a trace: the frames of one's own code, all of them, and the text as it was sent. */
export function StackTrace({ text, frames }: { text: string; frames: readonly Frame[] | null }): JSX.Element {
  const { frames: wanted } = useSettings()
  const view = frames?.length ? wanted : 'raw'
  return (
    <div className="trace">
      <div className="trace-head">
        <b>{runTexts.execution.stackTrace}</b>
        {frames !== null && frames.length > 0 && (
          <span role="group" aria-label={runTexts.execution.stackTrace} className="views">
            {(['own', 'all', 'raw'] as const).map((each) => (
              <button key={each} type="button" aria-pressed={view === each} onClick={() => changeSettings({ frames: each })}>
                {runTexts.execution.frames[each]}
              </button>
            ))}
          </span>
        )}
        <CopyButton what={runTexts.execution.stackTrace} text={text} />
      </div>
      {view === 'raw' ? (
        // A long line scrolls by itself: the focus lets the keyboard do so too.
        <pre tabIndex={0} aria-label={runTexts.execution.stackTrace}>
          {text}
        </pre>
      ) : (
        <Frames key={view} rows={rowsOf(frames!, view)} />
      )}
    </div>
  )
}

function Frames({ rows }: { rows: readonly Row[] }): JSX.Element {
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set())
  const [all, setAll] = useState(rows.length <= SHORT + 1)
  return (
    <ol className="frames mono">
      {(all ? rows : rows.slice(0, SHORT)).map((row, index) => {
        if (row.kind === 'cause') {
          return (
            <li key={index} className="cause">
              {row.text}
            </li>
          )
        }
        if (row.kind === 'frame') return <FrameRow key={index} frame={row.frame} />
        return unfolded.has(index) ? (
          row.frames.map((frame, at) => <FrameRow key={`${index}.${at}`} frame={frame} />)
        ) : (
          <li key={index}>
            <button type="button" className="link" onClick={() => setUnfolded(new Set(unfolded).add(index))}>
              ▸ {runTexts.execution.libraryFrames(row.frames.length)}
            </button>
          </li>
        )
      })}
      {!all && (
        <li>
          <button type="button" className="link" onClick={() => setAll(true)}>
            {runTexts.execution.moreFrames(rows.length - SHORT)}
          </button>
        </li>
      )}
    </ol>
  )
}

function FrameRow({ frame }: { frame: Frame }): JSX.Element {
  return (
    <li className={frame.library ? 'library' : ''}>
      <span className="place" title={frame.file}>
        {shortPath(frame.file)}
        {frame.line !== null && `:${frame.line}`}
      </span>{' '}
      {frame.function !== null && <span className="dim">{runTexts.execution.inFunction(frame.function)}</span>}
      {frame.source !== null && (
        <code className="cut" title={frame.source}>
          {frame.source}
        </code>
      )}
    </li>
  )
}
