import { type JSX, useEffect, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { type ApiError, ask, asApiError } from '../api/api'
import { type Condition, Preview, type Previewed } from './documents'
import { PreviewLine, PreviewStrip } from './preview'
import { asInput } from './sentence'

const PAUSE_MS = 300

/** What the rule would have done in the last seven days, while one changes it. */
export function LivePreview({ condition, workflow }: { condition: Condition; workflow: string | null }): JSX.Element {
  const [preview, setPreview] = useState<Previewed | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const input = JSON.stringify(asInput(condition))
  useEffect(() => {
    const asking = new AbortController()
    const timer = setTimeout(
      () =>
        ask(Preview, { condition: JSON.parse(input) as ReturnType<typeof asInput>, workflow }, { signal: asking.signal }).then(
          ({ alertPreview }) => {
            setPreview(alertPreview)
            setError(null)
          },
          (reason: unknown) => {
            if (!asking.signal.aborted) setError(asApiError(reason))
          },
        ),
      PAUSE_MS,
    )
    return () => {
      clearTimeout(timer)
      asking.abort()
    }
  }, [input, workflow])
  return (
    <div className="preview" role="status" aria-label={alertTexts.form.preview}>
      {error ? (
        <p className="wrong">{error.message}</p>
      ) : preview ? (
        <>
          <PreviewStrip times={preview.firedAt} />
          <PreviewLine preview={preview} />
        </>
      ) : (
        <p className="dim">{alertTexts.form.previewing}</p>
      )}
    </div>
  )
}
