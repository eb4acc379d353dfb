import { type JSX, useEffect, useRef, useSyncExternalStore } from 'react'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { When } from '../parts/when'
import { texts } from '../texts'
import './bulk.css'
import { SkippedBy, Workflows } from './bulk-parts'
import { bulkRun, goOn, read, stop, subscribe } from './bulk-runs'

/**
 * The bulk retry that the URL names, above the runs that it made: how far it is, what it left out, and what goes on
 * with it, in this tab or in any other.
 */
export function BulkResult({
  id,
  onMade,
  onClose,
}: {
  id: string
  /** It has made more runs: one's own deed is never hidden. */
  onMade: () => void
  onClose: () => void
}): JSX.Element {
  const { bulk, missing, running, stopping, error } = useSyncExternalStore(subscribe, () => bulkRun(id))
  const viewer = useViewer()
  useEffect(() => {
    void read(id)
    const look = (): void => {
      if (!document.hidden) void read(id)
    }
    // Another tab may have gone on with it.
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [id])

  const made = bulk?.createdCount ?? null
  const before = useRef(made)
  useEffect(() => {
    if (before.current !== null && made !== null && made > before.current) onMade()
    before.current = made
    // oxlint-disable-next-line react/exhaustive-deps
  }, [made])

  const left = bulk && !bulk.dryRun ? bulk.unprocessedCount : 0
  const done = bulk ? bulk.lookedAt - bulk.unprocessedCount : 0
  return (
    <section className="bulk-result" aria-label={texts.retry.result}>
      <header>
        <h2>{texts.retry.result}</h2>
        {bulk && (
          <span className="dim">
            {texts.retry.by(bulk.requestedBy)} <When at={bulk.startedAt ?? bulk.asOf} focusable />
          </span>
        )}
        <button type="button" className="bare" aria-label={texts.retry.closeResult} onClick={onClose}>
          ✕
        </button>
      </header>
      {error && <ErrorBox error={error} retry={() => (bulk && (left || bulk.dryRun) ? void goOn(bulk) : void read(id))} />}
      {missing && <p>{texts.retry.missing}</p>}
      {!bulk && !missing && !error && <p role="status">{texts.retry.reading}</p>}
      {bulk && running && (
        <p className="progress-line">
          <progress value={bulk.dryRun ? 0 : done} max={bulk.lookedAt} aria-label={texts.retry.progressName} />
          <span className="numbers">{texts.retry.progress(bulk.dryRun ? 0 : done, bulk.lookedAt)}</span>
          <button type="button" aria-disabled={stopping} onClick={() => stop(id)}>
            {stopping ? texts.retry.stopping : texts.retry.stop}
          </button>
        </p>
      )}
      {bulk && !bulk.dryRun && (
        <>
          <p role="status">
            <b>{texts.retry.done(bulk.createdCount)}</b>{' '}
            {bulk.retriedCount > bulk.createdCount && texts.retry.found(bulk.retriedCount - bulk.createdCount)}{' '}
            {left > 0 && !running && texts.retry.left(left)}
          </p>
          <Workflows bulk={bulk} />
          <SkippedBy bulk={bulk} title={texts.retry.wereNot(bulk.skippedCount)} />
        </>
      )}
      {bulk && !running && (left > 0 || bulk.dryRun) && !error && viewer?.role === 'ADMIN' && (
        <p>
          {bulk.dryRun && texts.retry.notStarted}{' '}
          <button type="button" className="primary" onClick={() => void goOn(bulk)}>
            {texts.retry.goOn(bulk.dryRun ? bulk.eligible : left)}
          </button>
        </p>
      )}
    </section>
  )
}
