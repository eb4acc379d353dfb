import { graphql, type ResultOf } from '../api/graphql'

/** What a click on each chip would give, under all other filters. */
export const Facets = graphql(`
  query Facets($filter: ExecutionFilter) {
    executionFacets(filter: $filter) {
      total { value kind }
      unresolved { value kind }
      status { status count { value kind } }
    }
  }
`)
export type Facets = NonNullable<ResultOf<typeof Facets>['executionFacets']>

/** Runs over time; the window is what the list begins with, unless the filter has one. */
export const Histogram = graphql(`
  query Histogram($filter: ExecutionFilter, $zone: String!) {
    executionHistogram(filter: $filter, window: FIT, timeZone: $zone) {
      kind
      points { start end total succeeded failed cancelled }
    }
  }
`)
export type Histogram = NonNullable<ResultOf<typeof Histogram>['executionHistogram']>

/** How many a filter would give. */
export const Total = graphql(`
  query Total($filter: ExecutionFilter) {
    executionFacets(filter: $filter) { total { value kind } }
  }
`)

/** What + Filter offers: the values of one field, under all other filters. */
export const Values = graphql(`
  query Values(
    $filter: ExecutionFilter
    $search: String
    $state: Boolean!
    $workflow: Boolean!
    $engine: Boolean!
    $trigger: Boolean!
    $step: Boolean!
    $group: Boolean!
  ) {
    executionFacets(filter: $filter) {
      state @include(if: $state) { state count { value kind } }
      workflow(first: 50, search: $search) @include(if: $workflow) { name count { value kind } }
      engine @include(if: $engine) { name count { value kind } }
      triggerKind @include(if: $trigger) { name count { value kind } }
      failedStepName(first: 100) @include(if: $step) { name count { value kind } }
      errorGroup(first: 50) @include(if: $group) { group { id type message } count { value kind } }
    }
  }
`)

/** What an error group is called. */
export const GroupName = graphql(`
  query GroupName($id: ID!) {
    node(id: $id) { ... on ErrorGroup { id type message } }
  }
`)

/** The error group of a run: asked for when somebody narrows by it. */
export const GroupOf = graphql(`
  query GroupOf($id: ID!) {
    execution(id: $id) { error { group { id type message } } }
  }
`)

/** The runs with an external id. */
export const ByExternalId = graphql(`
  query ByExternalId($externalId: String!) {
    executions(first: 2, filter: { externalId: [$externalId] }) { nodes { id } }
  }
`)

/** Whether any run was ever reported: an empty list means something else before that. */
export const AnyRun = graphql(`
  query AnyRun {
    executions(first: 1) { nodes { id } }
  }
`)
