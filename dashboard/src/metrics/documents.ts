import { graphql, type ResultOf } from '../api/graphql'

/** The figures of a window, of the one before it, what of it is unresolved, what is unfinished now, and for how long runs are kept. */
export const Figures = graphql(`
  query Figures(
    $filter: MetricsFilter!, $before: MetricsFilter!, $unresolved: ExecutionFilter!, $pending: ExecutionFilter!, $zone: String!
  ) {
    metrics(filter: $filter, timeZone: $zone) {
      from
      to
      total
      failed
      succeeded
      successRatePercent
      cutHours
      durations { count averageMs p50Ms p95Ms }
      trend { start end total succeeded failed p50DurationMs p95DurationMs }
      topErrors(first: 10) { count group { id type message } }
    }
    before: metrics(filter: $before) {
      from
      to
      total
      failed
      succeeded
      successRatePercent
      durations { count averageMs p95Ms }
    }
    unresolved: executions(first: 1, filter: $unresolved) { totalCount { value kind } }
    executions(first: 1, filter: $pending, orderBy: { field: QUEUED_AT, direction: ASC }) {
      totalCount { value kind }
      nodes { queuedAt }
    }
    server { keptDays }
  }
`)
export type Figures = ResultOf<typeof Figures>
export type Metrics = NonNullable<Figures['metrics']>
export type Before = NonNullable<Figures['before']>
export type Point = Metrics['trend'][number]

/** The workflows to look at first, each with its trend. */
export const WorkflowFigures = graphql(`
  query WorkflowFigures($filter: MetricsFilter!, $order: WorkflowMetricsOrder!, $zone: String!) {
    metrics(filter: $filter, timeZone: $zone) {
      byWorkflow(first: 20, orderBy: $order) {
        total
        failed
        successRatePercent
        averageDurationMs
        p95DurationMs
        trend { start total failed }
        workflow { id name engine { name } }
      }
    }
  }
`)
export type WorkflowFigures = NonNullable<ResultOf<typeof WorkflowFigures>['metrics']>['byWorkflow'][number]

/** The ids of workflows: addresses have names, figures are narrowed by ids. */
export const WorkflowIds = graphql(`
  query WorkflowIds($search: String!) {
    workflows(first: 100, search: $search) { nodes { id name } }
  }
`)
