import { type JSX, useEffect, useRef, useState } from 'react'
import { ApiError, ask } from '../api/api'
import type { ResultOf } from '../api/graphql'
import { filterOf } from '../filter/api-filter'
import type { Choice } from '../filter/filter'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { texts } from '../texts'
import { now } from '../time/clock'
import { RetryMany } from './documents'

type Plan = ResultOf<typeof RetryMany>['retryExecutions']
type Reason = keyof typeof texts.retry.skipped

const LIMITS = [10, 100, 500, 1000]
/** More than this at once is to be typed. */
const TYPED_ABOVE = 50

/**
 * Many retries: first what would be done, then exactly that, by the snapshot of the look. What the time limit of one
 * request left over goes on in the next, until there is none or somebody stops it.
 */
export function BulkRetry({
  ids,
  choice,
  onClose,
  onDone,
}: {
  /** The chosen runs; null: all that match the choice. */
  ids: string[] | null
  choice: Choice
  onClose: () => void
  onDone: () => void
}): JSX.Element {
  const [limit, setLimit] = useState(100)
  const [plan, setPlan] = useState<Plan | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [typed, setTyped] = useState('')
  const [done, setDone] = useState<{ retried: number; left: number } | null>(null)
  const [running, setRunning] = useState(false)
  const stopped = useRef(false)
  const [again, setAgain] = useState(0)

  useEffect(() => {
    const asking = new AbortController()
    setPlan(null)
    setError(null)
    const of = ids === null ? { filter: filterOf(choice, now()) } : { ids: ids.slice(0, limit) }
    ask(RetryMany, { input: { ...of, limit, dryRun: true } }, { signal: asking.signal }).then(
      ({ retryExecutions }) => setPlan(retryExecutions),
      (reason: unknown) => !asking.signal.aborted && setError(asApiError(reason)),
    )
    return () => asking.abort()
    // The list does not change what was looked at while the dialog is open.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [limit, again])

  const run = async (): Promise<void> => {
    if (!plan || running) return
    setRunning(true)
    stopped.current = false
    let retried = done?.retried ?? 0
    try {
      for (;;) {
        const { retryExecutions } = await ask(RetryMany, {
          input: { snapshot: plan.snapshot, limit, dryRun: false },
        })
        retried += retryExecutions.retried.filter(({ created }) => created).length
        setDone({ retried, left: retryExecutions.unprocessed.length })
        if (retryExecutions.unprocessed.length === 0 || stopped.current) break
      }
      setError(null)
    } catch (reason) {
      setError(asApiError(reason))
    }
    setRunning(false)
    onDone()
  }

  const eligible = plan?.eligible ?? 0
  const confirmed = eligible <= TYPED_ABOVE || typed.trim() === String(eligible)
  return (
    <Dialog title={texts.retry.title} {...(running ? {} : { onClose })} className="bulk">
      {error && <ErrorBox error={error} retry={() => (plan ? void run() : setAgain(again + 1))} />}
      {!plan && !error && <p role="status">{texts.retry.looking}</p>}
      {plan && !done && (
        <>
          <p className="dim">{texts.retry.looked(plan.matched)}</p>
          <p className="will">
            <span aria-hidden="true">✓</span> {eligible ? texts.retry.willRetry(eligible) : texts.retry.nothing}
          </p>
          <Skipped plan={plan} />
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
      {done && (
        <p role="status">
          {texts.retry.done(done.retried)} {done.left > 0 && texts.retry.left(done.left)}
        </p>
      )}
      <div className="actions">
        {running ? (
          <button type="button" onClick={() => (stopped.current = true)}>
            {texts.retry.stop}
          </button>
        ) : (
          <button type="button" onClick={onClose}>
            {done && !done.left ? texts.dialog.close : texts.dialog.cancel}
          </button>
        )}
        {plan && eligible > 0 && (!done || done.left > 0) && (
          <button type="button" className="primary" aria-disabled={!confirmed || running} onClick={() => confirmed && void run()}>
            {done ? texts.retry.goOn : texts.retry.go(eligible)}
          </button>
        )}
      </div>
    </Dialog>
  )
}

function Skipped({ plan }: { plan: Plan }): JSX.Element | null {
  if (!plan.skipped.length) return null
  const counts = new Map<Reason, number>()
  for (const { reasons } of plan.skipped) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return (
    <div>
      <p>
        <span aria-hidden="true">–</span> {texts.retry.willNot(plan.skipped.length)}
      </p>
      <ul className="reasons dim">
        {[...counts].map(([reason, count]) => (
          <li key={reason}>
            {texts.retry.skipped[reason]} {texts.number(count)}
          </li>
        ))}
      </ul>
    </div>
  )
}

function asApiError(reason: unknown): ApiError {
  return reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED')
}
