import type { JSX } from 'react'
import { texts } from '../texts'
import { CopyButton } from './copy'

/** A secret, or what is made of it, that is shown once. */
export function Secret({ what, text }: { what: string; text: string }): JSX.Element {
  return (
    <p className="secret">
      <code>{text}</code>
      <CopyButton className="" what={what} text={text}>
        {texts.copy.copy}
      </CopyButton>
    </p>
  )
}
