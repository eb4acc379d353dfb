import { type JSX, useEffect, useRef, useState } from 'react'
import { alertTexts } from '../alert-texts'
import { type ApiError, ask, asApiError } from '../api/api'
import { Dialog } from '../parts/dialog'
import { ErrorBox } from '../parts/error-box'
import { When } from '../parts/when'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { type Condition, DeleteRule, type Outcome, type Rule, SaveRule, TestRule } from './documents'
import { EngineName } from './engine'
import { RenewDialog } from './secret'
import { about, named } from './sentence'

/** Whom a rule watches. */
export function Subject({ condition, workflow }: { condition: Condition; workflow: Rule['workflow'] }): JSX.Element {
  const { engineSilence: silence } = condition
  if (silence) return silence.engineId === null ? <b>{alertTexts.engine}</b> : <EngineName id={silence.engineId} />
  return workflow ? <a href={hrefs.workflows(workflow.id)}>{workflow.name}</a> : <b>{alertTexts.anyWorkflow}</b>
}

/** A rule as a sentence, with what an administrator may do with it. */
export function RuleItem({
  rule, isAdmin, shown = false, onEdit, onChanged,
}: {
  rule: Rule
  isAdmin: boolean
  /** Whether a link leads to it. */
  shown?: boolean
  onEdit: () => void
  onChanged: () => void
}): JSX.Element {
  const [error, setError] = useState<ApiError | null>(null)
  const [outcomes, setOutcomes] = useState<readonly Outcome[] | 'sending' | null>(null)
  const [removing, setRemoving] = useState(false)
  const [renewing, setRenewing] = useState(false)
  const item = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (shown) item.current?.scrollIntoView({ block: 'nearest' })
  }, [shown])
  const quiet = rule.quietHours
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setError(null)
    try {
      await work()
    } catch (reason) {
      setOutcomes(null)
      setError(asApiError(reason))
    }
  }
  const test = (): Promise<void> =>
    attempt(async () => {
      setOutcomes('sending')
      setOutcomes((await ask(TestRule, { id: rule.id })).testAlertRule.outcomes)
    })
  const turn = (): Promise<void> =>
    attempt(async () => {
      await ask(SaveRule, { input: { id: rule.id, enabled: !rule.enabled } })
      onChanged()
    })
  const remove = (): Promise<void> =>
    attempt(async () => {
      setRemoving(false)
      await ask(DeleteRule, { id: rule.id })
      onChanged()
    })
  const name = about(rule.condition)
  return (
    <li ref={item} className={rule.enabled ? '' : 'off'} aria-current={shown || undefined}>
      <p className="sentence">
        {alertTexts.when} <Subject condition={rule.condition} workflow={rule.workflow} /> {name}, {alertTexts.tell}{' '}
        <b>{rule.channels.map(named).join(', ')}</b>
        {rule.notifyRecovery && <>, {alertTexts.recovery}</>}
      </p>
      <p className="dim">
        {rule.enabled ? alertTexts.on : alertTexts.off}
        {' · '}
        {rule.lastFiredAt === null ? (
          alertTexts.never
        ) : (
          <>
            {alertTexts.lastFired} <When at={rule.lastFiredAt} /> ·{' '}
            <a href={hrefs.alerts(rule.id)} aria-label={`${alertTexts.fired}: ${name}`}>
              {alertTexts.fired}
            </a>
          </>
        )}
        {quiet && <> · {alertTexts.quiet(quiet.from, quiet.to, quiet.timeZone)}</>}
      </p>
      {isAdmin && (
        <div className="buttons">
          <button type="button" aria-label={`${alertTexts.edit}: ${name}`} onClick={onEdit}>
            {alertTexts.edit}
          </button>
          <button
            type="button"
            aria-label={`${alertTexts.test}: ${name}`}
            aria-disabled={outcomes === 'sending'}
            onClick={() => outcomes !== 'sending' && void test()}
          >
            {alertTexts.test}
          </button>
          <button type="button" aria-label={`${alertTexts.turn(rule.enabled)}: ${name}`} onClick={() => void turn()}>
            {alertTexts.turn(rule.enabled)}
          </button>
          {rule.channels.some(({ kind }) => kind === 'WEBHOOK') && (
            <button type="button" aria-label={`${alertTexts.renew}: ${name}`} onClick={() => setRenewing(true)}>
              {alertTexts.renew}
            </button>
          )}
          <button type="button" aria-label={`${alertTexts.remove}: ${name}`} onClick={() => setRemoving(true)}>
            {alertTexts.remove}
          </button>
        </div>
      )}
      {error && <ErrorBox error={error} />}
      {outcomes && <Tested outcomes={outcomes} />}
      {renewing && <RenewDialog id={rule.id} onClose={() => setRenewing(false)} />}
      {removing && (
        <Dialog title={alertTexts.reallyRemove} onClose={() => setRemoving(false)}>
          <p>
            {alertTexts.when} <Subject condition={rule.condition} workflow={rule.workflow} /> {name}
          </p>
          <div className="actions">
            <button type="button" onClick={() => setRemoving(false)}>
              {texts.dialog.cancel}
            </button>
            <button type="button" className="danger" onClick={() => void remove()}>
              {alertTexts.remove}
            </button>
          </div>
        </Dialog>
      )}
    </li>
  )
}

function Tested({ outcomes }: { outcomes: readonly Outcome[] | 'sending' }): JSX.Element {
  return (
    <div className="tested" role="status">
      {outcomes === 'sending' && <p>{alertTexts.testing}</p>}
      {outcomes !== 'sending' && outcomes.length === 0 && <p>{alertTexts.onlyPage}</p>}
      {outcomes !== 'sending' &&
        outcomes.map(({ channel, error }) => (
          <p key={channel.kind} className={error === null ? 'took' : 'refused'}>
            <b>{named(channel)}</b> {error === null ? alertTexts.tookTest : `${alertTexts.refused}: ${error}`}
          </p>
        ))}
    </div>
  )
}
