import type { JSX } from 'react'
import type { ApiError } from '../api/api'
import { texts } from '../texts'

/** What failed, where its data would be: the message, its code, the request, and another try. */
export function ErrorBox({ error, retry }: { error: ApiError; retry?: () => void }): JSX.Element {
  const { code } = error
  return (
    <div className="error-box" role="alert">
      <strong>
        {code === 'OFFLINE' ? texts.error.offline : code === 'FORBIDDEN' ? texts.error.forbidden : texts.error.title}
      </strong>
      {code !== 'OFFLINE' && <span>{error.message}</span>}
      <span className="origin">
        <span>{texts.error.code(code)}</span>
        {error.requestId !== null && <span>{texts.error.request(error.requestId)}</span>}
      </span>
      {retry && code !== 'FORBIDDEN' && (
        <button type="button" onClick={retry}>
          {texts.error.retry}
        </button>
      )}
    </div>
  )
}
