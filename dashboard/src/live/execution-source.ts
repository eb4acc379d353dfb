import { ask, given } from '../api/api'
import { follow } from '../api/follow'
import { type ExecutionFilter, type ExecutionOrder, pageOf } from '../filter/api-filter'
import { Executions, ExecutionUpdates } from '../filter/documents'
import type { Source } from './source'

/** The API as a source: one filter, one order. */
export function executionSource(filter: ExecutionFilter, order: ExecutionOrder): Source {
  return {
    async page(first, after, signal) {
      const answer = await ask(Executions, pageOf(filter, order, first, after), { signal })
      const { nodes, updatesCursor, pageInfo } = given(answer.executions)
      return { rows: nodes, updatesCursor, endCursor: pageInfo.endCursor, hasNext: pageInfo.hasNextPage }
    },
    follow: (cursor, next) =>
      follow(ExecutionUpdates, () => ({ filter, after: cursor() }), (value) => next(value.executionUpdated)),
  }
}
