import { ask } from '../api/api'
import { follow } from '../api/follow'
import type { ExecutionFilter, ExecutionOrder } from '../filter/api-filter'
import { Executions, ExecutionUpdates } from '../filter/documents'
import type { Source } from './live-list'

/** The API as a source: one filter, one order. */
export function executionSource(filter: ExecutionFilter, order: ExecutionOrder): Source {
  return {
    async page(first, after, signal) {
      const { executions } = await ask(Executions, { first, after, filter, order }, { signal })
      return {
        rows: executions.nodes,
        updatesCursor: executions.updatesCursor,
        endCursor: executions.pageInfo.endCursor,
        hasNext: executions.pageInfo.hasNextPage,
      }
    },
    follow: (cursor, next) =>
      follow(ExecutionUpdates, () => ({ filter, after: cursor() }), (value) => next(value.executionUpdated)),
  }
}
