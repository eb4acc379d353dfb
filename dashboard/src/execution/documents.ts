import { graphql, type ResultOf } from '../api/graphql'
import { RunRow } from '../filter/documents'

/** A run with all that its page shows, but its log and the line of its retries. */
export const ExecutionDetail = graphql(
  `
    query ExecutionDetail($id: ID!) {
      execution(id: $id) {
        ...RunRow
        updatedAt
        workflow { id }
        engine { id name kind canRetry }
        error { type message stackTrace truncated group { id type message count firstSeenAt lastSeenAt } }
        failedStep { id name }
        steps {
          id index name kind status state startedAt finishedAt durationMs input output
          error { type message stackTrace }
        }
        trigger { kind data dataBytes redactedPaths incomplete }
        previous { id }
        next { id }
        retryOf { ...Attempt }
        rootExecution { ...Attempt }
        retries(first: 20) { ...Attempt }
        dispatch { attempts acceptedAt nextAttemptAt lastError }
      }
    }
    fragment Attempt on Execution {
      id attempt status state queuedAt durationMs requestedBy
    }
  `,
  [RunRow],
)
export type Run = NonNullable<ResultOf<typeof ExecutionDetail>['execution']>
export type Step = Run['steps'][number]
export type Attempt = Run['rootExecution']

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
