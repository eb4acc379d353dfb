import { graphql, type ResultOf } from '../api/graphql'
import { RunRow } from '../filter/documents'

/** A run with all that its page shows, but its log and the line of its retries. */
export const ExecutionDetail = graphql(
  `
    query ExecutionDetail($id: ID!) {
      execution(id: $id) {
        ...RunRow
        updatedAt
        endRefused
        resolution { by at note }
        workflow { id }
        engine { id name kind canRetry }
        error {
          type message stackTrace truncated
          frames { file line function source library cause }
          group { id type message count firstSeenAt lastSeenAt }
        }
        failedStep { id name }
        steps {
          id index name kind status state startedAt finishedAt durationMs timeMarks input output
          error { type message stackTrace }
        }
        trigger { kind data dataBytes redactedPaths incomplete hasMessage }
        previous { id }
        next { id }
        rootExecutionId
        retries(first: 1) { id state }
        dispatch { attempts acceptedAt nextAttemptAt lastError }
      }
    }
  `,
  [RunRow],
)
export type Run = NonNullable<ResultOf<typeof ExecutionDetail>['execution']>
export type Step = Run['steps'][number]

/** The line of retries of a run, oldest first. */
export const Family = graphql(`
  query Family($root: ID!) {
    executions(first: 100, filter: { rootExecutionId: $root }, orderBy: { field: QUEUED_AT, direction: ASC }) {
      nodes { id attempt status state queuedAt durationMs requestedBy }
    }
  }
`)
export type Attempt = NonNullable<ResultOf<typeof Family>['executions']>['nodes'][number]

/** How long runs are kept. */
export const Kept = graphql(`
  query Kept {
    server { keptDays }
  }
`)

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

/** What differs from another run of the workflow; null: from its last success before this one. */
export const Compare = graphql(`
  query Compare($id: ID!, $with: ID) {
    execution(id: $id) {
      comparison(with: $with) {
        truncated
        sealedCompared
        with { id status state queuedAt durationMs }
        triggerChanges { path kind before after sealed }
        steps {
          name
          kind
          before { id state status durationMs }
          after { id state status durationMs }
        }
      }
    }
  }
`)
export type Comparison = NonNullable<NonNullable<ResultOf<typeof Compare>['execution']>['comparison']>
export type StepPair = Comparison['steps'][number]
