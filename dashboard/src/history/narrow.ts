import type { RunRow } from '../filter/documents'
import { type Choice, type ListField, withValue } from '../filter/filter'
import { texts } from '../texts'

/** What a cell's value narrows the list by: the lists that keep it, and leave it out. */
export interface Narrowing {
  value: string
  only: ListField
  not: ListField | null
}

/** What the cells of a row narrow by; nothing for the others. */
export function narrowing(row: RunRow, cell: string): Narrowing | null {
  switch (cell) {
    case 'status': {
      // Of a status with several states, the word in the cell is the state's.
      const whole = texts.state[row.state] === texts.status[row.status]
      return whole ? { value: row.status, only: 'status', not: null } : { value: row.state, only: 'state', not: null }
    }
    case 'workflow':
      return { value: row.workflowName, only: 'workflow', not: 'notWorkflow' }
    case 'trigger':
      return { value: row.trigger.kind, only: 'trigger', not: 'notTrigger' }
    case 'engine':
      return { value: row.engine.name, only: 'engine', not: null }
    case 'step':
      return row.failedStep && { value: row.failedStep.name, only: 'step', not: null }
    default:
      return null
  }
}

/** What an Alt-click adds to the choice; with Shift too, it excludes. Null: that cell narrows nothing. */
export function narrowedBy(choice: Choice, row: RunRow, cell: string, exclude: boolean): Partial<Choice> | null {
  const found = narrowing(row, cell)
  const list = found && (exclude ? found.not : found.only)
  return found && list && withValue(choice, list, found.value)
}
