import type { RunRow } from '../filter/documents'
import { texts } from '../texts'

/** What a reason needs to know of the other attempts of a run. */
export type Sibling = Pick<RunRow, 'id' | 'attempt' | 'status'>
export type Reason = keyof typeof texts.retry.reasons

/** Which of the other attempts a reason means; undefined: none, or it is not known. */
function meant(reason: Reason, attempt: number, siblings: readonly Sibling[]): Sibling | undefined {
  const later = siblings.filter((each) => each.attempt > attempt)
  if (reason === 'RETRY_IN_PROGRESS') return later.findLast(({ status }) => status === 'PENDING')
  if (reason === 'ALREADY_RESOLVED') return later.findLast(({ status }) => status === 'SUCCESS')
  return reason === 'SUPERSEDED' ? later.at(-1) : undefined
}

/** Why a run cannot be retried, each reason in words, and the attempt to look at instead. Pure. */
export function explain(
  reasons: readonly string[],
  attempt: number,
  siblings: readonly Sibling[] = [],
): { text: string; see: Sibling | null } {
  let see: Sibling | null = null
  const words = reasons.map((reason) => {
    const known = reason as Reason
    const other = meant(known, attempt, siblings)
    if (!other) return texts.retry.reasons[known] ?? reason
    see ??= other
    return texts.retry.reasonsOf[known as keyof typeof texts.retry.reasonsOf](other.attempt)
  })
  return { text: words.join('\n'), see }
}
