import { type JSX, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { ask } from '../api/api'
import { WorkflowNames } from '../filter/documents'
import { Combobox } from '../parts/combobox'
import { Dialog } from '../parts/dialog'
import { FormEnd, useSubmit } from '../parts/form'
import { useZone } from '../parts/settings'
import { ChannelFields, type Draft, given } from './channel-fields'
import { ConditionFields } from './condition-fields'
import { type Condition, type Rule, type RuleInput, SaveRule } from './documents'
import { LivePreview } from './live-preview'
import { SecretDialog } from './secret'
import { asInput, fresh, kindOf } from './sentence'

type Quiet = NonNullable<Rule['quietHours']>

/** A new rule, or one to change. What is secret of its channels stays where nothing else is given. */
export function RuleDialog({
  rule, about = null, onClose, onSaved,
}: {
  rule: Rule | null
  /** The workflow that a new rule is about, unless one chooses another. */
  about?: Rule['workflow']
  onClose: () => void
  onSaved: () => void
}): JSX.Element {
  const { form } = alertTexts
  const zone = useZone()
  const [condition, setCondition] = useState<Condition>(rule?.condition ?? fresh('failuresInARow'))
  const [workflow, setWorkflow] = useState(rule ? rule.workflow : about)
  const [drafts, setDrafts] = useState<readonly Draft[]>(rule ? [] : [{ kind: 'PAGE', value: '' }])
  const [removed, setRemoved] = useState<readonly Draft['kind'][]>([])
  const [recovery, setRecovery] = useState(rule?.notifyRecovery ?? true)
  const [quiet, setQuiet] = useState<Quiet | null>(rule?.quietHours ?? null)
  const [secret, setSecret] = useState<string | null>(null)
  const aboutEngines = kindOf(condition) === 'engineSilence'
  const sent = useSubmit(async () => {
    const input: RuleInput = {
      ...given(drafts, removed), id: rule?.id ?? null, enabled: rule?.enabled ?? true, condition: asInput(condition),
      workflowId: aboutEngines ? null : (workflow?.id ?? null), notifyRecovery: recovery, quietHours: quiet,
    }
    const { signingSecret } = (await ask(SaveRule, { input })).saveAlertRule
    onSaved()
    if (signingSecret === null) onClose()
    else setSecret(signingSecret)
  })
  if (secret !== null) return <SecretDialog secret={secret} onClose={onClose} />
  return (
    <Dialog title={rule ? form.change : form.create} onClose={onClose} className="rule-dialog">
      <form onSubmit={sent.submit}>
        <ConditionFields condition={condition} onChange={setCondition} />
        {!aboutEngines && <Watched workflow={workflow} onChange={setWorkflow} />}
        <LivePreview condition={condition} workflow={aboutEngines ? null : (workflow?.id ?? null)} />
        <ChannelFields channels={rule?.channels ?? []} drafts={drafts} removed={removed} onDrafts={setDrafts} onRemoved={setRemoved} />
        <label className="check">
          <input type="checkbox" checked={recovery} onChange={(event) => setRecovery(event.target.checked)} /> {form.recovery}
        </label>
        <label className="check">
          <input
            type="checkbox"
            checked={quiet !== null}
            onChange={(event) => setQuiet(event.target.checked ? { from: '22:00', to: '07:00', timeZone: zone } : null)}
          />{' '}
          {form.quiet}
        </label>
        {quiet && (
          <p className="quiet">
            <label>
              {form.from}{' '}
              <input type="time" required value={quiet.from} onChange={(event) => setQuiet({ ...quiet, from: event.target.value })} />
            </label>
            <label>
              {form.to} <input type="time" required value={quiet.to} onChange={(event) => setQuiet({ ...quiet, to: event.target.value })} />
            </label>
            <span className="dim">{form.zone(quiet.timeZone)}</span>
          </p>
        )}
        <FormEnd sent={sent} word={form.save} onClose={onClose} />
      </form>
    </Dialog>
  )
}

function Watched({
  workflow, onChange,
}: {
  workflow: Rule['workflow']
  onChange: (workflow: Rule['workflow']) => void
}): JSX.Element {
  const { form } = alertTexts
  const [choosing, setChoosing] = useState(false)
  const [found, setFound] = useState<ReadonlyMap<string, string>>(new Map())
  const load = async (search: string, signal: AbortSignal): Promise<{ value: string; text: string; note?: string }[]> => {
    const { workflows } = await ask(WorkflowNames, { search: search.trim() || null }, { signal })
    const nodes = workflows?.nodes ?? []
    setFound(new Map(nodes.map(({ id, name }) => [id, name])))
    const options = nodes.map(({ id, name, engine }) => ({ value: id, text: name, note: engine.name }))
    return search.trim() ? options : [{ value: '', text: form.every }, ...options]
  }
  const choose = (id: string): void => {
    onChange(id ? { id, name: found.get(id) ?? '' } : null)
    setChoosing(false)
  }
  return (
    <p className="watched">
      <span>{form.workflow}</span>
      {choosing ? (
        <Combobox label={form.findWorkflow} load={load} onChoose={choose} onCancel={() => setChoosing(false)} />
      ) : (
        <button type="button" aria-label={`${form.workflow}: ${workflow?.name ?? form.every}`} onClick={() => setChoosing(true)}>
          {workflow?.name ?? form.every}
        </button>
      )}
    </p>
  )
}
