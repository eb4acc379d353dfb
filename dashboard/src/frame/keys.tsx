import type { JSX } from 'react'
import { Dialog } from '../parts/dialog'
import { texts } from '../texts'

/** Every key of the page. */
export function Keys({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title={texts.frame.keys} onClose={onClose} className="keys">
      <dl>
        {texts.keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
