import { graphql, type ResultOf } from '../api/graphql'

/** A page of workflows: figures of the window and of the one before it, and what each did last. */
export const WorkflowList = graphql(`
  query WorkflowList(
    $filter: MetricsFilter!, $order: WorkflowMetricsOrder!, $search: String, $after: String, $zone: String!
  ) {
    workflowMetrics(first: 50, after: $after, filter: $filter, orderBy: $order, search: $search, timeZone: $zone) {
      pageInfo { hasNextPage endCursor }
      totalCount { value kind }
      nodes {
        total
        failed
        successRatePercent
        averageDurationMs
        p95DurationMs
        trend { start total failed }
        previous { successRatePercent p95DurationMs }
        workflow {
          id
          name
          engine { name }
          consecutiveFailures
          overdue
          usualGapMs
          recent { id status state queuedAt startedAt finishedAt durationMs }
        }
      }
    }
  }
`)
export type WorkflowPage = NonNullable<ResultOf<typeof WorkflowList>['workflowMetrics']>
export type WorkflowRow = WorkflowPage['nodes'][number]

/** What is known of one workflow beside its figures. */
export const OneWorkflow = graphql(`
  query OneWorkflow($id: ID!) {
    workflow(id: $id) {
      id
      name
      engine { name }
      consecutiveFailures
      overdue
      usualGapMs
      recent { id status state queuedAt startedAt finishedAt durationMs }
    }
  }
`)
export type Workflow = NonNullable<ResultOf<typeof OneWorkflow>['workflow']>
export type Run = Workflow['recent'][number]

/** How many runs a workflow has, and what set them off. */
export const WorkflowTriggers = graphql(`
  query WorkflowTriggers($id: ID!) {
    executionFacets(filter: { workflowId: [$id] }) {
      total { value kind }
      triggerKind { name count { value kind } }
    }
  }
`)
export type Triggers = NonNullable<NonNullable<ResultOf<typeof WorkflowTriggers>['executionFacets']>['triggerKind']>
