import { type JSX, useState } from 'react'
import { type ApiError, ask, asApiError } from '../api/api'
import { engineTexts } from '../engine-texts'
import { ErrorBox } from '../parts/error-box'
import { ConnectDialog } from './connect'
import { DisconnectDialog } from './disconnect'
import { type Engine, Test } from './documents'
import { RotateDialog } from './rotate'

/** What an administrator does about the way back to an engine. */
export function Actions({ engine, onChanged }: { engine: Engine; onChanged: () => void }): JSX.Element {
  const [opened, setOpened] = useState<'connect' | 'rotate' | 'disconnect' | null>(null)
  const isConnected = engine.retryObstacle !== 'NOT_CONNECTED'
  const close = (): void => setOpened(null)
  return (
    <section className="way-back" aria-label={engineTexts.fact.retries}>
      <div className="buttons">
        <button type="button" className={isConnected ? '' : 'primary'} onClick={() => setOpened('connect')}>
          {isConnected ? engineTexts.connectElsewhere : engineTexts.connectIt}
        </button>
        {isConnected && engine.kind === 'WEBHOOK' && (
          <button type="button" onClick={() => setOpened('rotate')}>
            {engineTexts.renew}
          </button>
        )}
        {isConnected && (
          <button type="button" onClick={() => setOpened('disconnect')}>
            {engineTexts.disconnect}
          </button>
        )}
        {isConnected && <Tried engine={engine} />}
      </div>
      {opened === 'connect' && <ConnectDialog engine={engine} onDone={onChanged} onClose={close} />}
      {opened === 'rotate' && <RotateDialog engine={engine} onClose={close} />}
      {opened === 'disconnect' && <DisconnectDialog engine={engine} onDone={onChanged} onClose={close} />}
    </section>
  )
}

/** Tries whether the way back is there, and says what came of it. */
function Tried({ engine }: { engine: Engine }): JSX.Element {
  const [found, setFound] = useState<{ reached: boolean; detail: string } | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const run = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    setError(null)
    setFound(null)
    try {
      setFound((await ask(Test, { id: engine.id })).testEngine)
    } catch (reason) {
      setError(asApiError(reason))
    }
    setBusy(false)
  }
  return (
    <>
      <button type="button" aria-disabled={busy} onClick={() => void run()}>
        {busy ? engineTexts.testing : engineTexts.test}
      </button>
      <p role="status" className={found && !found.reached ? 'bad' : ''}>
        {found && (found.reached ? engineTexts.reached(found.detail) : engineTexts.notReached(found.detail))}
      </p>
      {error && <ErrorBox error={error} />}
    </>
  )
}
