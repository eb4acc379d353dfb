import type { JSX } from 'react'
import { engineTexts } from '../engine-texts'
import { CopyButton } from '../parts/copy'
import { Dialog } from '../parts/dialog'
import { Secret } from '../parts/secret'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { CODE, type Kind, variablesOf } from './snippets'

/** A secret that was made, and what the engine has to do with it. */
export function Connected({
  title, engine, kind, secret, onClose,
}: {
  title: string
  engine: string
  kind: Kind
  secret: string | null
  onClose: () => void
}): JSX.Element {
  const { form } = engineTexts
  return (
    <Dialog title={title} onClose={onClose} className="engine-form">
      {secret !== null && (
        <>
          <p role="status">{form.shownOnce}</p>
          <Secret what={form.secret} text={secret} />
        </>
      )}
      <Example title={form.variables} text={variablesOf(kind, location.origin, engine, secret)} />
      <Example title={form.code[kind]} text={CODE[kind]} />
      <p>
        {form.token}{' '}
        <Aside href={hrefs.tokens}>{form.toTokens}</Aside> · <Aside href={`${hrefs.events}#retries`}>{engineTexts.connect}</Aside>
      </p>
      <div className="actions">
        <button type="button" className="primary" onClick={onClose}>
          {form.close}
        </button>
      </div>
    </Dialog>
  )
}

/** Leads to a tab of its own: the secret is shown here alone, and once. */
function Aside({ href, children }: { href: string; children: string }): JSX.Element {
  return (
    <a href={href} target="_blank" rel="noreferrer">
      {children}
    </a>
  )
}

function Example({ title, text }: { title: string; text: string }): JSX.Element {
  return (
    <section aria-label={title}>
      <h3>
        {title}{' '}
        <CopyButton what={title} text={text} className="">
          {texts.copy.copy}
        </CopyButton>
      </h3>
      <pre tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </section>
  )
}
