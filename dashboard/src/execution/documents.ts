import { graphql, type ResultOf } from '../api/graphql'
import { RunRow } from '../filter/documents'

/** A run with all that its page shows, but its log. */
export const ExecutionDetail = graphql(
  `
    query ExecutionDetail($id: ID!) {
      execution(id: $id) {
        ...RunRow
        updatedAt
        workflow { id }
        engine { id name kind canRetry }
        error { type message stackTrace truncated group { id type message count firstSeenAt lastSeenAt } }
        steps {
          id index name kind status state startedAt finishedAt durationMs input output
          error { type message stackTrace }
        }
        trigger { kind data dataBytes redactedPaths incomplete }
        retryOf { id attempt status state queuedAt requestedBy }
        rootExecution { id attempt status state queuedAt requestedBy }
        retries(first: 20) { id attempt status state queuedAt requestedBy }
        dispatch { attempts acceptedAt nextAttemptAt lastError }
      }
    }
  `,
  [RunRow],
)
export type Run = NonNullable<ResultOf<typeof ExecutionDetail>['execution']>
export type Step = Run['steps'][number]

/** That something has changed; the page then asks for all of it. */
export const ExecutionChanged = graphql(`
  subscription ExecutionChanged($filter: ExecutionFilter, $after: String) {
    executionUpdated(filter: $filter, after: $after) { cursor change executionId execution { updatedAt } }
  }
`)

/** Where following starts. */
export const UpdatesFrom = graphql(`
  query UpdatesFrom($filter: ExecutionFilter) {
    executions(first: 1, filter: $filter) { updatesCursor }
  }
`)

export const Reveal = graphql(`
  mutation Reveal($id: ID!) {
    revealTrigger(executionId: $id)
  }
`)
