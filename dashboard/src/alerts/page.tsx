import { type JSX, useEffect, useState } from 'react'
import { useSearch } from 'wouter'
import { alertTexts } from '../alert-texts'
import { type ApiError, ask, asApiError, given } from '../api/api'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { texts } from '../texts'
import '../style/listing.css'
import './alerts.css'
import { Proposals, type Proposal, type Rule, Rules, SaveRule } from './documents'
import { History } from './history'
import { PreviewLine } from './preview'
import { RuleDialog } from './rule-dialog'
import { RuleItem, Subject } from './rule-item'
import { about, asInput } from './sentence'

/** The rules, what to begin with, and what fired. */
export function AlertsPage(): JSX.Element {
  const isAdmin = useViewer()?.role === 'ADMIN'
  const { data, error, again } = useAsked(Rules, {})
  const shown = new URLSearchParams(useSearch()).get('rule')
  // Asked for anew when the rules have changed: what a rule is about already is not proposed.
  const [edited, setEdited] = useState<Rule | 'new' | null>(null)
  const [saves, setSaves] = useState(0)
  useEffect(() => {
    document.title = `${alertTexts.title} · ${texts.product}`
  }, [])
  const saved = (): void => {
    setSaves((count) => count + 1)
    again()
  }
  const rules = data && given(data.alertRules)
  return (
    <div className="alerts-page">
      <header>
        <h1>{alertTexts.title}</h1>
        {isAdmin && (
          <button type="button" className="primary" onClick={() => setEdited('new')}>
            {alertTexts.newRule}
          </button>
        )}
      </header>
      {isAdmin && <ToBegin key={saves} onSaved={saved} />}
      <section aria-labelledby="alert-rules">
        <h2 id="alert-rules">{alertTexts.rules}</h2>
        {error && <ErrorBox error={error} retry={again} />}
        {!rules && !error && <p className="skeleton">{texts.loading}</p>}
        {rules?.length === 0 && <p role="status">{alertTexts.noRules}</p>}
        {rules && rules.length > 0 && (
          <ul className="rules">
            {rules.map((rule) => (
              <RuleItem
                key={rule.id}
                rule={rule}
                isAdmin={isAdmin}
                shown={rule.id === shown}
                onEdit={() => setEdited(rule)}
                onChanged={saved}
              />
            ))}
          </ul>
        )}
        {rules && shown !== null && !rules.some(({ id }) => id === shown) && <p role="status">{alertTexts.noRule}</p>}
        {rules && !isAdmin && <p className="dim">{alertTexts.onlyAdmins}</p>}
      </section>
      <History key={shown} rule={shown} />
      {edited && (
        <RuleDialog rule={edited === 'new' ? null : edited} onClose={() => setEdited(null)} onSaved={saved} />
      )}
    </div>
  )
}

/** Rules to begin with, each switched on by a click. */
function ToBegin({ onSaved }: { onSaved: () => void }): JSX.Element | null {
  const { data, error, again } = useAsked(Proposals, {})
  const proposals = data?.alertProposals
  if (error) return <ErrorBox error={error} retry={again} />
  if (!proposals?.length) return null
  return (
    <section className="proposals" aria-labelledby="alert-proposals">
      <h2 id="alert-proposals">{alertTexts.proposals}</h2>
      <p className="dim">{alertTexts.proposalsHint}</p>
      <ul className="rules">
        {proposals.map((proposal) => (
          <Proposed key={about(proposal.condition)} proposal={proposal} onSaved={onSaved} />
        ))}
      </ul>
    </section>
  )
}

function Proposed({ proposal, onSaved }: { proposal: Proposal; onSaved: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const { condition, preview } = proposal
  const save = async (): Promise<void> => {
    if (busy) return
    setBusy(true)
    try {
      await ask(SaveRule, { input: { condition: asInput(condition), channels: { page: true }, notifyRecovery: true } })
      onSaved()
    } catch (reason) {
      setError(asApiError(reason))
      setBusy(false)
    }
  }
  return (
    <li>
      <p className="sentence">
        {alertTexts.when} <Subject condition={condition} workflow={null} /> {about(condition)}
      </p>
      <PreviewLine preview={preview} />
      <div className="buttons">
        <button type="button" aria-disabled={busy} aria-label={`${alertTexts.switchOn}: ${about(condition)}`} onClick={() => void save()}>
          {alertTexts.switchOn}
        </button>
      </div>
      {error && <ErrorBox error={error} />}
    </li>
  )
}
