import { graphql, type ResultOf } from '../api/graphql'

/** A page of error groups, with all that a row says. */
export const ErrorGroups = graphql(`
  query ErrorGroups(
    $filter: MetricsFilter!, $order: ErrorGroupOrder!, $search: String, $state: [ErrorGroupState!], $after: String, $zone: String!
  ) {
    errorGroups(first: 50, after: $after, filter: $filter, orderBy: $order, search: $search, state: $state, timeZone: $zone) {
      pageInfo { hasNextPage endCursor }
      totalCount { value kind }
      buckets
      edges {
        count
        trend
        isNew
        unresolved { value kind }
        node { id type message state mutedUntil count firstSeenAt lastSeenAt workflows(first: 3) { name } }
      }
    }
  }
`)
export type Groups = NonNullable<ResultOf<typeof ErrorGroups>['errorGroups']>
export type GroupEdge = Groups['edges'][number]
export type GroupState = GroupEdge['node']['state']

/** One group, and its runs in a time. */
export const OneGroup = graphql(`
  query OneGroup($id: ID!, $filter: ExecutionFilter!, $unresolved: ExecutionFilter!, $zone: String!) {
    node(id: $id) {
      ... on ErrorGroup {
        id type message state mutedUntil count firstSeenAt lastSeenAt splitBy
        workflows(first: 10) { name count { value kind } }
        variables { placeholder distinct values(first: 5) { value count } }
        members { id type message count mergedBy }
      }
    }
    executionHistogram(filter: $filter, timeZone: $zone) { points { start end failed } }
    examples: executions(first: 5, filter: $filter) {
      totalCount { value kind }
      nodes { id workflowName status state queuedAt resolved error { message } }
    }
    newest: executions(first: 1, filter: $filter) {
      nodes { id error { stackTrace frames { file line function source library cause } } }
    }
    left: executions(first: 1, filter: $unresolved) { totalCount { value kind } }
  }
`)
export type Group = Extract<NonNullable<ResultOf<typeof OneGroup>['node']>, { message: string }>
export type Points = NonNullable<ResultOf<typeof OneGroup>['executionHistogram']>['points']
export type Example = NonNullable<ResultOf<typeof OneGroup>['examples']>['nodes'][number]

export const SetState = graphql(`
  mutation SetState($input: SetErrorGroupStateInput!) {
    setErrorGroupState(input: $input) { group { id state } }
  }
`)
export const Merge = graphql(`
  mutation Merge($from: ID!, $into: ID!) {
    mergeErrorGroups(input: { from: [$from], into: $into }) { group { id } }
  }
`)
export const Unmerge = graphql(`
  mutation Unmerge($id: ID!) {
    unmergeErrorGroup(id: $id) { group { id } }
  }
`)
export const Split = graphql(`
  mutation Split($id: ID!, $by: [ErrorGroupSplit!]!) {
    splitErrorGroup(input: { id: $id, by: $by }) { group { id } }
  }
`)
export const Unsplit = graphql(`
  mutation Unsplit($id: ID!) {
    unsplitErrorGroup(id: $id) { group { id } }
  }
`)

/** Groups that another one could be merged into. */
export const OtherGroups = graphql(`
  query OtherGroups($filter: MetricsFilter!, $search: String) {
    errorGroups(first: 20, filter: $filter, search: $search) { edges { count node { id type message } } }
  }
`)
