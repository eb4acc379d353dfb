import { graphql, type ResultOf } from '../api/graphql'

/** What a row of a list shows. */
export const RunRow = graphql(`
  fragment RunRow on Execution {
    id
    externalId
    workflowName
    status
    state
    queuedAt
    dueAt
    startedAt
    finishedAt
    lastHeardAt
    queueMs
    durationMs
    timeMarks
    attempt
    resolved
    requestedBy
    error { type message }
    failedStep { name }
    trigger { kind label }
    stepCount
    currentStep { index name }
    engine { name }
    retryability { canRetry reasons }
  }
`)
export type RunRow = ResultOf<typeof RunRow>

export const Executions = graphql(
  `
    query Executions($first: Int, $after: String, $filter: ExecutionFilter, $order: ExecutionOrder) {
      executions(first: $first, after: $after, filter: $filter, orderBy: $order) {
        updatesCursor
        pageInfo { hasNextPage endCursor }
        nodes { ...RunRow }
      }
    }
  `,
  [RunRow],
)

export const ExecutionUpdates = graphql(
  `
    subscription ExecutionUpdates($filter: ExecutionFilter, $after: String) {
      executionUpdated(filter: $filter, after: $after) {
        cursor
        change
        executionId
        matches
        execution { ...RunRow }
      }
    }
  `,
  [RunRow],
)
export type ExecutionUpdate = ResultOf<typeof ExecutionUpdates>['executionUpdated']

/** Workflows to choose from, by a part of their name. */
export const WorkflowNames = graphql(`
  query WorkflowNames($search: String) {
    workflows(first: 20, search: $search) { nodes { id name engine { name } } }
  }
`)
