import { type JSX, memo } from 'react'
import type { LogLine } from '../live/log-documents'
import { runTexts } from '../run-texts'
import { piecesOf } from './ansi'
import { marked } from './find'

/** The message of a line: colours of terminals as the page's own, control characters as signs, what was searched for marked. */
export const LineText = memo(function LineText({ line, search = '' }: { line: LogLine; search?: string }): JSX.Element {
  return (
    <>
      {piecesOf(line.message).map((piece, index) => {
        const parts = marked(piece.text, search)
        const inner = parts.length === 1 && !parts[0]!.hit ? piece.text : parts.map((part, at) => (part.hit ? <mark key={at}>{part.text}</mark> : part.text))
        return piece.classes ? (
          <span key={index} className={piece.classes}>
            {inner}
          </span>
        ) : (
          <span key={index}>{inner}</span>
        )
      })}
      {line.truncated && <em className="dim"> {runTexts.log.truncated}</em>}
    </>
  )
})
