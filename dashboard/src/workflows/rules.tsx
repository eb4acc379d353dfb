import { type JSX, useState } from 'react'
import { type Rule, Rules } from '../alerts/documents'
import { RuleDialog } from '../alerts/rule-dialog'
import { RuleItem } from '../alerts/rule-item'
import { given } from '../api/api'
import { useViewer } from '../frame/viewer'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { workflowTexts } from '../workflow-texts'
import '../alerts/alerts.css'
import type { Workflow } from './documents'

/** The alert rules that name a workflow, and how many more watch it because they watch every one. */
export function WorkflowRules({ workflow }: { workflow: Workflow }): JSX.Element {
  const isAdmin = useViewer()?.role === 'ADMIN'
  const { data, error, again } = useAsked(Rules, {})
  const [edited, setEdited] = useState<Rule | 'new' | null>(null)
  const rules = data && given(data.alertRules)
  const own = rules?.filter((rule) => rule.workflow?.id === workflow.id)
  const others = rules?.filter((rule) => rule.workflow === null && rule.enabled && rule.condition.engineSilence === null)
  return (
    <section className="rules-part" aria-labelledby="workflow-rules">
      <header>
        <h2 id="workflow-rules">{workflowTexts.rules}</h2>
        {isAdmin && (
          <button type="button" onClick={() => setEdited('new')}>
            {workflowTexts.addRule}
          </button>
        )}
      </header>
      {error && <ErrorBox error={error} retry={again} />}
      {!rules && !error && <p className="skeleton">{texts.loading}</p>}
      {own && own.length > 0 && (
        <ul className="rules">
          {own.map((rule) => (
            <RuleItem key={rule.id} rule={rule} isAdmin={isAdmin} onEdit={() => setEdited(rule)} onChanged={again} />
          ))}
        </ul>
      )}
      {own && others && (
        <p className="dim">
          {own.length === 0 && workflowTexts.noRules} <a href={hrefs.alerts()}>{workflowTexts.rulesOfAll(others.length)}</a>
        </p>
      )}
      {edited && (
        <RuleDialog
          rule={edited === 'new' ? null : edited}
          about={workflow}
          onClose={() => setEdited(null)}
          onSaved={again}
        />
      )}
    </section>
  )
}
