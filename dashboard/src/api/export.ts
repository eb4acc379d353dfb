import { texts } from '../texts'
import { ApiError } from './api'
import { credentials } from './credentials'

/** Have a file made by a door of exports, and saved. Rejects with an ApiError, or because it was stopped. */
export async function exportFile(door: 'executions' | 'log', asked: object, signal: AbortSignal): Promise<void> {
  let answer: Response
  try {
    answer = await fetch(`/api/export/${door}`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', ...credentials() },
      body: JSON.stringify(asked),
    })
  } catch (reason) {
    throw signal.aborted ? reason : new ApiError(texts.error.offline, 'OFFLINE')
  }
  if (!answer.ok) throw await refusalOf(answer)
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? door
  save(await answer.blob(), name)
}

async function refusalOf(answer: Response): Promise<ApiError> {
  try {
    const { errors } = (await answer.json()) as { errors: { message: string; extensions: { code: string } }[] }
    return new ApiError(errors[0]!.message, errors[0]!.extensions.code)
  } catch {
    return new ApiError(texts.error.status(answer.status), `HTTP_${answer.status}`)
  }
}

function save(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
