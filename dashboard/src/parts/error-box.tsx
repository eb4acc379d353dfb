import type { JSX } from 'react'
import { type ApiError, mayPass } from '../api/api'
import { texts } from '../texts'
import { CopyButton } from './copy'

/** What failed, where its data would be: the message, its code, the request, and another try. Without one: what was not done. */
export function ErrorBox({ error, retry }: { error: ApiError; retry?: () => void }): JSX.Element | null {
  const { code } = error
  // The sign-in over the page says so, and after it this part is asked for again.
  if (code === 'UNAUTHENTICATED') return null
  return (
    <div className="error-box" role="alert">
      <strong>
        {code === 'OFFLINE' ? error.message : code === 'FORBIDDEN' ? texts.error.forbidden : retry ? texts.error.title : texts.error.notDone}
      </strong>
      {code !== 'OFFLINE' && <span>{error.message}</span>}
      <span className="origin">
        <span>{texts.error.code(code)}</span>
        {error.requestId !== null && (
          <span>
            <span>{texts.error.request(error.requestId)}</span>
            <CopyButton what={texts.error.requestId} text={error.requestId} />
          </span>
        )}
      </span>
      {retry && mayPass(error) && (
        <button type="button" onClick={retry}>
          {texts.error.retry}
        </button>
      )}
    </div>
  )
}
