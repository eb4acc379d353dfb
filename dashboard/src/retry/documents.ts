import { graphql } from '../api/graphql'
import { RunRow } from '../filter/documents'

export const RetryOne = graphql(
  `
    mutation RetryOne($input: RetryExecutionInput!) {
      retryExecution(input: $input) { created execution { ...RunRow } }
    }
  `,
  [RunRow],
)

export const RetryMany = graphql(`
  mutation RetryMany($input: RetryExecutionsInput!) {
    retryExecutions(input: $input) {
      matched
      eligible
      dryRun
      snapshot
      unprocessed
      retried { created execution { id workflowName } }
      skipped { reasons execution { id workflowName } }
    }
  }
`)
