import { graphql, type ResultOf } from '../api/graphql'

export const LogLine = graphql(`
  fragment LogLine on LogEntry {
    id
    at
    level
    message
    attributes
    truncated
    step { id name }
  }
`)
export type LogLine = ResultOf<typeof LogLine>

export const LogPage = graphql(
  `
    query LogPage(
      $id: ID!
      $first: Int
      $after: String
      $last: Int
      $before: String
      $minLevel: LogLevel
      $stepId: ID
      $search: String
    ) {
      executionLogs(
        executionId: $id
        first: $first
        after: $after
        last: $last
        before: $before
        minLevel: $minLevel
        stepId: $stepId
        search: $search
      ) {
        updatesCursor
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { ...LogLine }
      }
    }
  `,
  [LogLine],
)

export const LogAppended = graphql(
  `
    subscription LogAppended($id: ID!, $after: String) {
      executionLogAppended(executionId: $id, after: $after) { cursor entry { ...LogLine } }
    }
  `,
  [LogLine],
)
