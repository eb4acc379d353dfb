import { graphql, type ResultOf } from '../api/graphql'

export const LogLine = graphql(`
  fragment LogLine on LogEntry {
    id
    at
    level
    message
    attributes
    truncated
    step { id name index }
  }
`)

/** A window on the log, with what its scrollbar and its levels need. */
export const LogWindow = graphql(
  `
    query LogWindow(
      $id: ID!
      $first: Int
      $last: Int
      $skip: Int
      $around: ID
      $size: Int! = 1000
      $minLevel: LogLevel
      $stepId: ID
      $search: String
      $counts: Boolean!
    ) {
      executionLogs(
        executionId: $id
        first: $first
        last: $last
        skip: $skip
        around: $around
        size: $size
        minLevel: $minLevel
        stepId: $stepId
        search: $search
      ) {
        updatesCursor
        offset
        levels @include(if: $counts) { level count { value kind } }
        nodes { ...LogLine number }
      }
    }
  `,
  [LogLine],
)
type Answer = NonNullable<ResultOf<typeof LogWindow>['executionLogs']>
export type LogLine = Answer['nodes'][number]
export type Level = LogLine['level']

/** A few lines, without anything around them. */
export const LogPage = graphql(
  `
    query LogPage($id: ID!, $first: Int, $last: Int, $around: ID, $size: Int! = 3, $minLevel: LogLevel, $stepId: ID) {
      executionLogs(
        executionId: $id
        first: $first
        last: $last
        around: $around
        size: $size
        minLevel: $minLevel
        stepId: $stepId
      ) {
        nodes { ...LogLine number }
      }
    }
  `,
  [LogLine],
)

/** Where a text occurs. */
export const LogMatches = graphql(`
  query LogMatches($id: ID!, $minLevel: LogLevel, $stepId: ID, $search: String!) {
    executionLogs(executionId: $id, first: 1, minLevel: $minLevel, stepId: $stepId) {
      matches(search: $search) { id number }
    }
  }
`)
export type LogMatch = NonNullable<NonNullable<ResultOf<typeof LogMatches>['executionLogs']>['matches']>[number]

export const LogAppended = graphql(
  `
    subscription LogAppended($id: ID!, $after: String) {
      executionLogAppended(executionId: $id, after: $after) { cursor entries { ...LogLine } entry { id } }
    }
  `,
  [LogLine],
)
