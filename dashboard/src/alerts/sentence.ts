import { alertTexts } from '../alert-texts'
import { NOTHING, writeChoice } from '../filter/filter'
import { duration } from '../time/time'
import type { Alert, Channel, Condition, ConditionInput } from './documents'

export type Kind = keyof typeof alertTexts.form.kinds
export const KINDS = Object.keys(alertTexts.form.kinds) as Kind[]

/** Which condition it is. */
export function kindOf(condition: Condition): Kind {
  return KINDS.find((kind) => condition[kind] !== null) ?? 'failuresInARow'
}

/** What a rule is about, behind the name of whom it watches. */
export function about(condition: Condition): string {
  const { failuresInARow, failureRate, slowRun, noRun, engineSilence } = condition
  const says = alertTexts.about
  if (failureRate) return says.failureRate(failureRate.percent, failureRate.windowMinutes, failureRate.minimumRuns)
  if (slowRun !== null) return says.slowRun(slowRun)
  if (noRun) return says.noRun(noRun.minutes)
  if (engineSilence) return says.engineSilence(engineSilence.minutes)
  if (condition.newErrorGroup) return says.newErrorGroup
  return condition.regressedErrorGroup ? says.regressedErrorGroup : says.failuresInARow(failuresInARow ?? 0)
}

/** What happened, behind the name of the workflow. */
export function happened(alert: Alert): string {
  const { condition, failures, runs, measuredMs, comparedMs } = alert
  const says = alertTexts.happened
  const took = duration(Math.round(measuredMs ?? 0))
  if (condition.failureRate) return says.failureRate(failures, runs ?? 0, condition.failureRate.windowMinutes)
  if (condition.slowRun !== null) return says.slowRun(took, duration(Math.round(comparedMs ?? 0)))
  if (condition.noRun) return says.noRun(took)
  if (condition.engineSilence) return says.engineSilence(alert.workflow.engine.name, took)
  if (condition.newErrorGroup) return says.newErrorGroup
  return condition.regressedErrorGroup ? says.regressedErrorGroup : says.failuresInARow(failures)
}

/** A channel as a sentence names it. */
export function named({ kind, target }: Channel): string {
  if (kind === 'EMAIL' || kind === 'WEBHOOK') return target ?? alertTexts.channels[kind]
  return alertTexts.channels[kind]
}

/** A condition as it is given to the API: the one field that it has. */
export function asInput(condition: Condition): ConditionInput {
  const kind = kindOf(condition)
  return { [kind]: condition[kind] } as ConditionInput
}

/** What a condition of a kind is before anybody has changed it. */
export function fresh(kind: Kind): Condition {
  const none: Condition = {
    failuresInARow: null, failureRate: null, slowRun: null, newErrorGroup: null, regressedErrorGroup: null, noRun: null,
    engineSilence: null,
  }
  const given: { [K in Kind]: NonNullable<Condition[K]> } = {
    failuresInARow: 3,
    failureRate: { percent: 20, windowMinutes: 60, minimumRuns: 10 },
    slowRun: 3,
    newErrorGroup: true,
    regressedErrorGroup: true,
    noRun: { minutes: null },
    engineSilence: { minutes: 30, engineId: null },
  }
  return { ...none, [kind]: given[kind] }
}

/** Whether an alert is about several failed runs. */
export function isAboutFailures({ failuresInARow, failureRate }: Condition): boolean {
  return failuresInARow !== null || failureRate !== null
}

/** The failed runs up to when an alert fired, the newest first: those at the top are what it is about. */
export function failuresBehind({ workflow, firedAt }: Alert): URLSearchParams {
  return writeChoice({ ...NOTHING, status: ['FAILURE'], workflow: [workflow.name], engine: [workflow.engine.name], to: firedAt })
}
