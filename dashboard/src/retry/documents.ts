import { graphql, type ResultOf } from '../api/graphql'
import { RunRow } from '../filter/documents'

export const RetryOne = graphql(
  `
    mutation RetryOne($input: RetryExecutionInput!) {
      retryExecution(input: $input) { created execution { ...RunRow } }
    }
  `,
  [RunRow],
)

/** What a bulk retry has come to, without its runs: sums are enough to say it. */
export const BulkSums = graphql(`
  fragment BulkSums on BulkRetry {
    id
    snapshot
    dryRun
    matched
    lookedAt
    eligible
    asOf
    startedAt
    requestedBy
    retriedCount
    createdCount
    skippedCount
    unprocessedCount
    skippedBy { reason count }
    byWorkflow(first: 5) { name count { value } }
  }
`)
export type Bulk = ResultOf<typeof BulkSums>

export const RetryMany = graphql(
  `
    mutation RetryMany($input: RetryExecutionsInput!) {
      retryExecutions(input: $input) { ...BulkSums }
    }
  `,
  [BulkSums],
)

/** A dry run, which also says whose engines would get something to do. */
export const PlanRetry = graphql(
  `
    mutation PlanRetry($input: RetryExecutionsInput!) {
      retryExecutions(input: $input) { ...BulkSums byEngine { count engine { name kind } } }
    }
  `,
  [BulkSums],
)
export type Plan = ResultOf<typeof PlanRetry>['retryExecutions']

export const BulkRetryById = graphql(
  `
    query BulkRetryById($id: ID!) {
      bulkRetry(id: $id) { ...BulkSums }
    }
  `,
  [BulkSums],
)

export const BulkSkipped = graphql(`
  query BulkSkipped($id: ID!) {
    bulkRetry(id: $id) {
      skipped { reasons execution { id workflowName queuedAt } }
    }
  }
`)
