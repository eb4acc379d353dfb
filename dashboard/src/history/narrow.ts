import type { MouseEvent } from 'react'
import type { RunRow } from '../filter/documents'
import type { Choice } from '../filter/filter'

/** What an Alt-click on a cell adds to the choice; with Shift too, it excludes. Null: that cell narrows nothing. */
export function narrowedBy(choice: Choice, row: RunRow | undefined, event: MouseEvent): Partial<Choice> | null {
  const cell = (event.target as Element).closest<HTMLElement>('[data-narrow]')?.dataset.narrow
  if (!row || !cell) return null
  const add = (list: string[], value: string): string[] => (list.includes(value) ? list : [...list, value])
  switch (cell) {
    case 'status':
      return { status: add(choice.status, row.status) as Choice['status'] }
    case 'workflow':
      return event.shiftKey
        ? { notWorkflow: add(choice.notWorkflow, row.workflowName) }
        : { workflow: add(choice.workflow, row.workflowName) }
    case 'trigger':
      return { trigger: add(choice.trigger, row.trigger.kind) }
    case 'step':
      return row.failedStep ? { step: add(choice.step, row.failedStep.name) } : null
    default:
      return null
  }
}
