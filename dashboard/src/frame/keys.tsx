import { type JSX, useState } from 'react'
import { Dialog } from '../parts/dialog'
import { activeKeys } from '../parts/keys'
import { texts } from '../texts'

const SHOWN: Record<string, string> = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc', Shift: '⇧', Enter: '⏎' }

/** The caps of a key: a capital needs Shift. */
function capsOf(key: string): string[] {
  const caps = key.split(' ').map((each) => SHOWN[each] ?? each)
  return /^[A-Z]$/.test(key) ? ['⇧', key] : caps
}

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
