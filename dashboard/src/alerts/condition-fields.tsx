import { type JSX, useId } from 'react'
import { alertTexts } from '../alert-texts'
import { Amount } from './amount'
import type { Condition } from './documents'
import { WatchedEngine } from './engine'
import { fresh, type Kind, KINDS, kindOf } from './sentence'

/** Which condition, and its numbers. */
export function ConditionFields({
  condition, onChange,
}: {
  condition: Condition
  onChange: (condition: Condition) => void
}): JSX.Element {
  const { form } = alertTexts
  const id = useId()
  const kind = kindOf(condition)
  const { failureRate: rate, noRun, engineSilence: silence } = condition
  return (
    <div className="fields">
      <label htmlFor={id}>{form.condition}</label>
      <select id={id} value={kind} onChange={(event) => onChange(fresh(event.target.value as Kind))}>
        {KINDS.map((each) => (
          <option key={each} value={each}>
            {form.kinds[each]}
          </option>
        ))}
      </select>
      {condition.failuresInARow !== null && (
        <Amount
          label={form.count} value={condition.failuresInARow} min={1} max={10_000}
          onChange={(failuresInARow) => onChange({ ...condition, failuresInARow })}
        />
      )}
      {rate && (
        <>
          <Amount
            label={form.percent} value={rate.percent} min={0.1} max={100} whole={false}
            onChange={(percent) => onChange({ ...condition, failureRate: { ...rate, percent } })}
          />
          <Amount
            label={form.window} value={rate.windowMinutes} min={1} max={10_080} by={5}
            onChange={(windowMinutes) => onChange({ ...condition, failureRate: { ...rate, windowMinutes } })}
          />
          <Amount
            label={form.least} value={rate.minimumRuns} min={1} max={10_000}
            onChange={(minimumRuns) => onChange({ ...condition, failureRate: { ...rate, minimumRuns } })}
          />
        </>
      )}
      {condition.slowRun !== null && (
        <Amount
          label={form.factor} value={condition.slowRun} min={1.1} max={100} whole={false} by={0.5}
          onChange={(slowRun) => onChange({ ...condition, slowRun })}
        />
      )}
      {noRun && (
        <>
          <label className="check">
            <input
              type="checkbox"
              checked={noRun.minutes === null}
              onChange={(event) => onChange({ ...condition, noRun: { minutes: event.target.checked ? null : 60 } })}
            />{' '}
            {form.usual}
          </label>
          {noRun.minutes !== null && (
            <Amount
              label={form.noRunMinutes} value={noRun.minutes} min={1} max={129_600} by={5}
              onChange={(minutes) => onChange({ ...condition, noRun: { minutes } })}
            />
          )}
        </>
      )}
      {silence && (
        <>
          <WatchedEngine
            engineId={silence.engineId}
            onChange={(engineId) => onChange({ ...condition, engineSilence: { ...silence, engineId } })}
          />
          <Amount
            label={form.silentMinutes} value={silence.minutes} min={1} max={129_600} by={5}
            onChange={(minutes) => onChange({ ...condition, engineSilence: { ...silence, minutes } })}
          />
        </>
      )}
    </div>
  )
}
