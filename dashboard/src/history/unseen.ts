import type { ExecutionUpdate, RunRow } from '../filter/documents'

type Known = Pick<RunRow, 'id' | 'status' | 'resolved' | 'finishedAt'>

/** Failures of a view that are newer than the last look at it, and that no retry has resolved since. Pure. */
export class Unseen {
  private readonly ids = new Set<string>()

  /** `lookedAt`: when somebody looked last, in ms. */
  constructor(private lookedAt: number) {}

  get any(): boolean {
    return this.ids.size > 0
  }

  /** Somebody looks, until `lookAway`. */
  look(): void {
    this.ids.clear()
    this.lookedAt = Infinity
  }

  lookAway(now: number): void {
    this.lookedAt = now
  }

  take({ executionId, matches, change, execution }: Pick<ExecutionUpdate, 'executionId' | 'matches' | 'change'> & { execution: Known | null }): void {
    if (executionId === null) return
    if (change !== 'DELETED' && matches && execution) this.row(execution)
    else this.ids.delete(executionId)
  }

  row({ id, status, resolved, finishedAt }: Known): void {
    if (status === 'FAILURE' && !resolved && finishedAt !== null && Date.parse(finishedAt) > this.lookedAt) this.ids.add(id)
    else this.ids.delete(id)
  }
}
