import { type JSX, useEffect, useState } from 'react'
import { type ApiError, asApiError, ask } from '../api/api'
import { filterOf } from '../filter/api-filter'
import type { Choice } from '../filter/filter'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { useZone } from '../parts/settings'
import { texts } from '../texts'
import { now } from '../time/clock'
import { absolute } from '../time/time'
import './bulk.css'
import { Engines, SkippedBy, Workflows } from './bulk-parts'
import { goOn } from './bulk-runs'
import { type Plan, PlanRetry } from './documents'

const LIMITS = [10, 100, 500, 1000]
/** More than this at once is to be typed. */
const TYPED_ABOVE = 50

/**
 * Many retries: what would be done, and a confirmation. What is done then is the snapshot of the look, in batches; its
 * id belongs into the URL, which names it to other tabs (BulkResult shows it).
 */
export function BulkRetry({
  ids,
  choice,
  onClose,
  onStart,
}: {
  /** The chosen runs; null: all that match the choice. */
  ids: string[] | null
  choice: Choice
  onClose: () => void
  /** The bulk retry with this id has been confirmed. */
  onStart: (id: string) => void
}): JSX.Element {
  const [limit, setLimit] = useState(100)
  const [plan, setPlan] = useState<Plan | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [typed, setTyped] = useState('')
  const [again, setAgain] = useState(0)
  const zone = useZone()

  useEffect(() => {
    const asking = new AbortController()
    setPlan(null)
    setError(null)
    setTyped('')
    const of = ids === null ? { filter: filterOf(choice, now()) } : { ids: ids.slice(0, limit) }
    ask(PlanRetry, { input: { ...of, limit, dryRun: true } }, { signal: asking.signal }).then(
      ({ retryExecutions }) => setPlan(retryExecutions),
      (reason: unknown) => !asking.signal.aborted && setError(asApiError(reason)),
    )
    return () => asking.abort()
    // The list does not change what was looked at while the dialog is open.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [limit, again])

  const eligible = plan?.eligible ?? 0
  const confirmed = eligible <= TYPED_ABOVE || typed.trim() === String(eligible)
  const start = (): void => {
    if (!plan || !confirmed) return
    // The URL first: whoever loses the answer still has the name of what was asked for.
    onStart(plan.id)
    void goOn(plan)
  }
  return (
    <Dialog title={texts.retry.title} onClose={onClose} className="bulk">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          start()
        }}
      >
        {error && <ErrorBox error={error} retry={() => setAgain(again + 1)} />}
        {!plan && !error && <p role="status">{texts.retry.looking}</p>}
        {plan && (
          <>
            <p className="dim">
              {texts.retry.looked(plan.lookedAt, ids === null ? plan.matched : ids.length)}{' '}
              {texts.retry.asOf(absolute(plan.asOf, zone))}
            </p>
            <p className="will">
              {eligible > 0 && <span aria-hidden="true">✓ </span>}
              {eligible > 0 ? texts.retry.willRetry(eligible) : texts.retry.nothing}
            </p>
            <Workflows bulk={plan} />
            <Engines of={plan.byEngine} />
            <SkippedBy bulk={plan} title={texts.retry.willNot(plan.skippedCount)} />
            <label className="limit">
              {texts.retry.limit}{' '}
              <select value={limit} onChange={(event) => setLimit(Number(event.target.value))}>
                {LIMITS.map((each) => (
                  <option key={each} value={each}>
                    {texts.number(each)}
                  </option>
                ))}
              </select>
            </label>
            {eligible > TYPED_ABOVE && (
              <label className="confirm">
                {texts.retry.typeToConfirm(eligible)}{' '}
                <input value={typed} inputMode="numeric" autoComplete="off" onChange={(event) => setTyped(event.target.value)} />
              </label>
            )}
          </>
        )}
        <div className="actions">
          <button type="button" onClick={onClose}>
            {texts.dialog.cancel}
          </button>
          {plan && eligible > 0 && (
            <button type="submit" className="primary" aria-disabled={!confirmed}>
              {texts.retry.go(eligible)}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}
