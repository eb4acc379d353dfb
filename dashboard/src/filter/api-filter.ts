import type { VariablesOf } from '../api/graphql'
import type { Executions } from './documents'
import { type Choice, SORTS, startOf } from './filter'

export type ExecutionFilter = NonNullable<VariablesOf<typeof Executions>['filter']>
export type ExecutionOrder = NonNullable<VariablesOf<typeof Executions>['order']>

/** Shorter searches match nearly everything: the page waits for the next character. */
export const MIN_SEARCH = 2

/** Rows of a list's first page. */
export const FIRST_PAGE = 50

/** The filter that the API takes for a choice; a relative range is counted back from `now`. */
export function filterOf(choice: Choice, now: number): ExecutionFilter {
  const filter: ExecutionFilter = {}
  if (choice.status.length) filter.status = choice.status
  if (choice.state.length) filter.state = choice.state
  if (choice.workflow.length) filter.workflowName = choice.workflow
  if (choice.notWorkflow.length) filter.excludeWorkflowName = choice.notWorkflow
  if (choice.engine.length) filter.engine = choice.engine
  if (choice.trigger.length) filter.triggerKind = choice.trigger
  if (choice.notTrigger.length) filter.excludeTriggerKind = choice.notTrigger
  if (choice.step.length) filter.failedStepName = choice.step
  if (choice.group.length) filter.errorGroupId = choice.group
  if (choice.unresolved) filter.unresolved = true
  if (choice.retryOf !== null) filter.retryOf = choice.retryOf
  if (choice.retry !== null) filter.bulkRetryId = choice.retry
  if (choice.min !== null) filter.minDurationMs = choice.min
  if (choice.max !== null) filter.maxDurationMs = choice.max
  if (choice.range !== null) filter.queuedFrom = startOf(choice.range, now)
  if (choice.from !== null) filter.queuedFrom = choice.from
  if (choice.to !== null) filter.queuedTo = choice.to
  if (choice.q.trim().length >= MIN_SEARCH) filter.search = choice.q.trim()
  return filter
}

export function orderOf({ sort }: Choice): ExecutionOrder {
  return { field: SORTS[sort.field], direction: sort.descending ? 'DESC' : 'ASC' }
}

/** The variables of a page of the list; the early script asks for the first one with the same. */
export function pageOf(
  filter: ExecutionFilter, order: ExecutionOrder, first = FIRST_PAGE, after: string | null = null,
): VariablesOf<typeof Executions> {
  return { first, after, filter, order }
}
