import { type JSX, useState } from 'react'
import { Dialog } from '../parts/dialog'
import { activeKeys, capsOf } from '../parts/keys'
import { texts } from '../texts'

/** Every key that works where one is. */
export function Keys({ onClose }: { onClose: () => void }): JSX.Element {
  const [keys] = useState(activeKeys)
  return (
    <Dialog title={texts.frame.keys} onClose={onClose} className="keys">
      <dl>
        {keys.map((key) => (
          <div key={key}>
            <dt>
              {capsOf(key).map((cap) => (
                <kbd key={cap}>{cap}</kbd>
              ))}
            </dt>
            <dd>{texts.keys[key]}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
