import type { JSX } from 'react'
import { ask } from '../api/api'
import { engineTexts } from '../engine-texts'
import { toast } from '../parts/announce'
import { Confirm } from '../parts/confirm'
import { hrefs } from '../routes'
import { Disconnect, type Engine } from './documents'

/** Takes the way back of an engine away. */
export function DisconnectDialog({ engine, onDone, onClose }: { engine: Engine; onDone: () => void; onClose: () => void }): JSX.Element {
  const { title, word, follows, events, toTokens, done } = engineTexts.disconnecting
  const disconnect = async (): Promise<void> => {
    toast(done((await ask(Disconnect, { id: engine.id })).disconnectEngine.cancelledRetries))
    onClose()
    onDone()
  }
  return (
    <Confirm title={title(engine.name)} word={word} act={disconnect} onClose={onClose}>
      {follows.map((each) => (
        <p key={each}>{each}</p>
      ))}
      <p>
        {events} <a href={hrefs.tokens}>{toTokens}</a>
      </p>
    </Confirm>
  )
}
