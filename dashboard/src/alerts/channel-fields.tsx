import { type JSX, useId } from 'react'
import { alertTexts } from '../alert-texts'
import type { Channel, ChannelKind, RuleInput } from './documents'
import { named } from './sentence'

/** A channel to add, or to put in another's place. */
export interface Draft {
  kind: ChannelKind
  /** Its URL, address or key. */
  value: string
  token?: string
  severity?: keyof typeof alertTexts.form.severities
}

const KINDS = Object.keys(alertTexts.channels) as ChannelKind[]
const TYPES: Partial<Record<ChannelKind, string>> = { EMAIL: 'email', PAGERDUTY: 'text' }

/** What the API is given: the channels that are added and those that are removed; it keeps the others. */
export function given(drafts: readonly Draft[], removed: readonly ChannelKind[]): Partial<RuleInput> {
  const channels: NonNullable<RuleInput['channels']> = {}
  const input: Partial<RuleInput> = { channels }
  for (const kind of removed) put(input, channels, { kind, value: '' }, true)
  for (const draft of drafts) put(input, channels, draft, false)
  return input
}

function put(input: Partial<RuleInput>, channels: NonNullable<RuleInput['channels']>, draft: Draft, gone: boolean): void {
  const value = draft.value.trim()
  const url = gone ? null : { url: value }
  switch (draft.kind) {
    case 'WEBHOOK': input.webhookUrl = gone ? null : value; break
    case 'EMAIL': input.email = gone ? null : value; break
    case 'SLACK': channels.slack = url; break
    case 'TEAMS': channels.teams = url; break
    case 'DISCORD': channels.discord = url; break
    case 'NTFY': channels.ntfy = url && { ...url, token: draft.token?.trim() || null }; break
    case 'PAGERDUTY': channels.pagerDuty = gone ? null : { routingKey: value, severity: draft.severity ?? 'ERROR' }; break
    case 'PAGE': channels.page = !gone; break
  }
}

/** The channels of a rule, and those that are about to change. */
export function ChannelFields({
  channels, drafts, removed, onDrafts, onRemoved,
}: {
  channels: readonly Channel[]
  drafts: readonly Draft[]
  removed: readonly ChannelKind[]
  onDrafts: (drafts: readonly Draft[]) => void
  onRemoved: (kinds: readonly ChannelKind[]) => void
}): JSX.Element {
  const { form } = alertTexts
  const id = useId()
  const kept = channels.filter(({ kind }) => !removed.includes(kind) && !drafts.some((draft) => draft.kind === kind))
  const left = KINDS.filter((kind) => !kept.some((each) => each.kind === kind) && !drafts.some((draft) => draft.kind === kind))
  const add = (kind: ChannelKind): void => {
    onRemoved(removed.filter((each) => each !== kind))
    // One that was removed and is there still needs nothing but to stay.
    if (kind !== 'PAGE' || !channels.some((each) => each.kind === kind)) onDrafts([...drafts, { kind, value: '' }])
  }
  return (
    <fieldset className="channels">
      <legend>{form.tell}</legend>
      {kept.map((channel) => (
        <p key={channel.kind} className="channel">
          <b>{alertTexts.channels[channel.kind]}</b> <span className="dim">{channel.target ?? ''}</span>
          <Remove name={named(channel)} onRemove={() => onRemoved([...removed, channel.kind])} />
        </p>
      ))}
      {drafts.map((draft) => (
        <DraftField
          key={draft.kind}
          draft={draft}
          onChange={(next) => onDrafts(drafts.map((each) => (each.kind === draft.kind ? next : each)))}
          onRemove={() => onDrafts(drafts.filter((each) => each.kind !== draft.kind))}
        />
      ))}
      {left.length > 0 && (
        <p className="channel">
          <label className="visually-hidden" htmlFor={id}>
            {form.add}
          </label>
          <select id={id} value="" onChange={(event) => add(event.target.value as ChannelKind)}>
            <option value="" disabled>
              {form.add}
            </option>
            {left.map((kind) => (
              <option key={kind} value={kind}>
                {alertTexts.channels[kind]}
              </option>
            ))}
          </select>
        </p>
      )}
    </fieldset>
  )
}

function DraftField({
  draft, onChange, onRemove,
}: {
  draft: Draft
  onChange: (draft: Draft) => void
  onRemove: () => void
}): JSX.Element {
  const { form, channels } = alertTexts
  const id = useId()
  const { kind } = draft
  if (kind === 'PAGE') {
    return (
      <p className="channel">
        <b>{channels.PAGE}</b>
        <Remove name={channels.PAGE} onRemove={onRemove} />
      </p>
    )
  }
  return (
    <div className="channel">
      <label htmlFor={id}>
        <b>{channels[kind]}</b> <span className="dim">{form.urls[kind]}</span>
      </label>
      <Remove name={channels[kind]} onRemove={onRemove} />
      <input
        id={id} type={TYPES[kind] ?? 'url'} required maxLength={2_000} autoComplete="off" spellCheck={false} value={draft.value}
        onChange={(event) => onChange({ ...draft, value: event.target.value })}
      />
      {kind === 'NTFY' && (
        <label>
          <span className="dim">{form.token}</span>{' '}
          <input
            maxLength={200} autoComplete="off" spellCheck={false} value={draft.token ?? ''}
            onChange={(event) => onChange({ ...draft, token: event.target.value })}
          />
        </label>
      )}
      {kind === 'PAGERDUTY' && (
        <label>
          <span className="dim">{form.severity}</span>{' '}
          <select
            value={draft.severity ?? 'ERROR'}
            onChange={(event) => onChange({ ...draft, severity: event.target.value as NonNullable<Draft['severity']> })}
          >
            {Object.entries(form.severities).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  )
}

function Remove({ name, onRemove }: { name: string; onRemove: () => void }): JSX.Element {
  return (
    <button type="button" className="bare" aria-label={alertTexts.form.remove(name)} onClick={onRemove}>
      ✕
    </button>
  )
}
