import { type JSX, useState } from 'react'
import { ApiError, ask } from '../api/api'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { JsonTree } from '../parts/json-tree'
import { Tooltip } from '../parts/tooltip'
import { runTexts } from '../run-texts'
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
  const large = trigger.dataBytes > FOLD_BYTES
  return (
    <section className="part trigger-part" aria-labelledby="part-trigger">
      <header>
        <PartTitle id="part-trigger">{runTexts.execution.triggerData}</PartTitle>
        <span className="dim numbers">{large ? runTexts.json.folded(runTexts.bytes(trigger.dataBytes)) : runTexts.bytes(trigger.dataBytes)}</span>
        <span className="end">
          {trigger.redactedPaths.length > 0 && !shown && viewer && (
            <RevealButton count={trigger.redactedPaths.length} may={viewer.role === 'ADMIN'} onPress={() => setAsking(true)} />
          )}
          {shown && (
            <button type="button" onClick={() => setRevealed(null)}>
              {runTexts.execution.hide}
            </button>
          )}
        </span>
      </header>
      {trigger.hasMessage && <p className="dim">{runTexts.execution.hasMessage}</p>}
      {trigger.incomplete && <p className="notice">{runTexts.execution.incomplete}</p>}
      {error && <ErrorBox error={error} retry={() => void reveal()} />}
      {trigger.data === null ? (
        <p className="dim">{runTexts.execution.noData}</p>
      ) : (
        <JsonTree
          key={shown ? 'revealed' : 'sealed'}
          label={shown ? runTexts.execution.revealed : trigger.kind}
          value={shown ? shown.data : trigger.data}
          folded={large}
          revealed={shown !== null}
        />
      )}
      {asking && (
        <Dialog title={runTexts.execution.revealTitle} onClose={() => setAsking(false)}>
          <p>{runTexts.execution.revealText}</p>
          <div className="actions">
            <button type="button" onClick={() => setAsking(false)}>
              {texts.dialog.cancel}
            </button>
            <button type="button" className="primary" onClick={() => void reveal()}>
              {runTexts.execution.revealGo}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  )
}

/** It stays for those who may not, and says why: on hover, on focus, and when it is pressed. */
function RevealButton({ count, may, onPress }: { count: number; may: boolean; onPress: () => void }): JSX.Element {
  const button = (
    <button type="button" aria-disabled={!may} onClick={() => (may ? onPress() : toast(runTexts.execution.revealForbidden))}>
      {runTexts.execution.reveal(count)}
    </button>
  )
  return may ? button : <Tooltip text={runTexts.execution.revealForbidden}>{button}</Tooltip>
}
