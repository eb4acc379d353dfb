import { type JSX, useId, useState } from 'react'
import { ask } from '../api/api'
import { once } from '../api/unanswered'
import { engineTexts } from '../engine-texts'
import { Dialog } from '../parts/dialog'
import { FormEnd, useSubmit } from '../parts/form'
import { Connected } from './connected'
import { Connect, type Engine } from './documents'
import type { Kind } from './snippets'

const KINDS = ['WEBHOOK', 'CELERY'] as const

/** Gives an engine a way back, and shows once what it needs for that. */
export function ConnectDialog({ engine, onDone, onClose }: { engine: Engine | null; onDone: () => void; onClose: () => void }): JSX.Element {
  const { form } = engineTexts
  const replace = engine !== null && engine.kind !== 'NONE'
  const [name, setName] = useState(engine?.name ?? '')
  const [kind, setKind] = useState<Kind>(engine?.kind === 'CELERY' ? 'CELERY' : 'WEBHOOK')
  const [url, setUrl] = useState('')
  const [made, setMade] = useState<{ secret: string | null } | null>(null)
  const sent = useSubmit(async () => {
    const connection = { name: name.trim(), wayBack: kind === 'WEBHOOK' ? { webhookUrl: url.trim() } : { brokerUrl: url.trim() } }
    // A second click, and one after a lost answer, give the secret that the first one made.
    const request = `connectEngine ${JSON.stringify(connection)}`
    const { connectEngine } = await once(request, (idempotencyKey) => ask(Connect, { input: { ...connection, replace, idempotencyKey } }))
    setMade({ secret: connectEngine.signingSecret })
    onDone()
  })
  if (made) return <Connected engine={name.trim()} kind={kind} secret={made.secret} title={form.done(name.trim())} onClose={onClose} />
  return (
    <Dialog title={engine === null ? engineTexts.connectOne : form.title(engine.name)} onClose={onClose} className="engine-form">
      <form onSubmit={sent.submit}>
        {engine === null && (
          <Field title={form.name} hint={form.nameHint} value={name} most={100} set={setName} />
        )}
        <fieldset>
          <legend>{form.how}</legend>
          {KINDS.map((each) => (
            <label key={each} className="choice">
              <input type="radio" name="kind" checked={kind === each} onChange={() => setKind(each)} />
              <span>
                {form.kinds[each]} <span className="dim">{form.means[each]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Field title={form.urls[kind]} hint={form.urlHint} value={url} most={2000} example={form.examples[kind]} set={setUrl} />
        {replace && <p className="notice">{form.replaces[engine.kind === 'CELERY' ? 'CELERY' : 'WEBHOOK']}</p>}
        <FormEnd sent={sent} word={form.connect} onClose={onClose} />
      </form>
    </Dialog>
  )
}

function Field({
  title, hint, value, most, example, set,
}: {
  title: string
  hint: string
  value: string
  most: number
  example?: string
  set: (value: string) => void
}): JSX.Element {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{title}</label>
      <input
        id={id} aria-describedby={`${id}-hint`} value={value} required maxLength={most} autoComplete="off" spellCheck={false} placeholder={example}
        onChange={(event) => set(event.target.value)}
      />
      <span id={`${id}-hint`} className="dim">
        {hint}
      </span>
    </div>
  )
}
