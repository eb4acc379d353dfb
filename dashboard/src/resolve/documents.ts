import { graphql } from '../api/graphql'

/** Resolve failures that were mended outside Runwatch. */
export const Resolve = graphql(`
  mutation Resolve($input: ResolveExecutionsInput!) {
    resolveExecutions(input: $input) { skippedCount more executions { id } }
  }
`)

/** Take that back. */
export const Unresolve = graphql(`
  mutation Unresolve($ids: [ID!]!) {
    unresolveExecutions(input: { ids: $ids }) { changedCount }
  }
`)
