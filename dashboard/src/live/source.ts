import type { ExecutionUpdate, RunRow } from '../filter/documents'

/** What the list needs of the API; tests put their own in. */
export interface Source {
  page(first: number, after: string | null, signal: AbortSignal): Promise<Page>
  follow(cursor: () => string, next: (update: ExecutionUpdate) => void): () => void
}

export interface Page {
  rows: readonly RunRow[]
  updatesCursor: string
  endCursor: string | null
  hasNext: boolean
}
