import { type JSX, useState } from 'react'
import { ApiError, ask } from '../api/api'
import { useViewer } from '../frame/viewer'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { JsonTree } from '../parts/json-tree'
import { texts } from '../texts'
import { Reveal, type Run } from './documents'
import { PartTitle } from './part-title'

/** Longer data begins folded at its first level. */
const FOLD_BYTES = 64 * 1024

/** What set the run off. Sealed values are shown to an ADMIN who asks for it, until this closes; that is audited. */
export function TriggerSection({ run }: { run: Run }): JSX.Element {
  const viewer = useViewer()
  const [asking, setAsking] = useState(false)
  const [revealed, setRevealed] = useState<{ of: string; data: unknown } | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const { trigger } = run
  const shown = revealed?.of === run.id ? revealed : null
  const reveal = async (): Promise<void> => {
    setAsking(false)
    try {
      const { revealTrigger } = await ask(Reveal, { id: run.id }, { exact: true })
      setRevealed({ of: run.id, data: revealTrigger })
      setError(null)
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError(String(reason), 'UNEXPECTED'))
    }
  }
  return (
    <section className="part" aria-labelledby="part-trigger">
      <header>
        <PartTitle id="part-trigger">{texts.execution.triggerData}</PartTitle>
        <span className="dim numbers">{texts.bytes(trigger.dataBytes)}</span>
        {trigger.redactedPaths.length > 0 && !shown && viewer?.role === 'ADMIN' && (
          <button type="button" onClick={() => setAsking(true)}>
            {texts.execution.reveal(trigger.redactedPaths.length)}
          </button>
        )}
        {shown && (
          <button type="button" onClick={() => setRevealed(null)}>
            {texts.execution.hide}
          </button>
        )}
      </header>
      {trigger.incomplete && <p className="notice">{texts.execution.incomplete}</p>}
      {error && <ErrorBox error={error} retry={() => void reveal()} />}
      {trigger.data === null ? (
        <p className="dim">{texts.execution.noData}</p>
      ) : (
        <JsonTree
          label={shown ? texts.execution.revealed : texts.execution.kind(trigger.kind)}
          value={shown ? shown.data : trigger.data}
          folded={trigger.dataBytes > FOLD_BYTES}
        />
      )}
      {asking && (
        <Dialog title={texts.execution.revealTitle} onClose={() => setAsking(false)}>
          <p>{texts.execution.revealText}</p>
          <div className="actions">
            <button type="button" onClick={() => setAsking(false)}>
              {texts.dialog.cancel}
            </button>
            <button type="button" className="primary" onClick={() => void reveal()}>
              {texts.execution.revealGo}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  )
}
