import { graphql } from '../api/graphql'

/** What a click on each chip would give, and the runs over time, all under the other filters. */
export const Summary = graphql(`
  query Summary(
    $all: ExecutionFilter
    $failure: ExecutionFilter
    $pending: ExecutionFilter
    $success: ExecutionFilter
    $cancelled: ExecutionFilter
    $unresolved: ExecutionFilter
    $histogram: ExecutionFilter
  ) {
    all: executions(first: 1, filter: $all) { totalCount { value kind } }
    FAILURE: executions(first: 1, filter: $failure) { totalCount { value kind } }
    PENDING: executions(first: 1, filter: $pending) { totalCount { value kind } }
    SUCCESS: executions(first: 1, filter: $success) { totalCount { value kind } }
    CANCELLED: executions(first: 1, filter: $cancelled) { totalCount { value kind } }
    unresolved: executions(first: 1, filter: $unresolved) { totalCount { value kind } }
    executionHistogram(filter: $histogram, window: FIT) {
      kind
      points { start end total succeeded failed cancelled }
    }
  }
`)

/** What `+ Filter` offers. */
export const WorkflowNames = graphql(`
  query WorkflowNames($search: String) {
    workflows(first: 20, search: $search) { nodes { id name engine { name } } }
  }
`)

export const Engines = graphql(`
  query Engines {
    engines { id name }
  }
`)

export const TriggerKinds = graphql(`
  query TriggerKinds {
    triggerKinds
  }
`)

/** Whether any run was ever reported: an empty list means something else before that. */
export const AnyRun = graphql(`
  query AnyRun {
    executions(first: 1) { nodes { id } }
  }
`)
