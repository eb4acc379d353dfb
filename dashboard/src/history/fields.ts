import { ask, given } from '../api/api'
import { filterOf } from '../filter/api-filter'
import { type Choice, type ListField, parseDuration, withoutValue, withValue, writeDuration } from '../filter/filter'
import { contains, type Option } from '../parts/combobox'
import { zoneNow } from '../parts/settings'
import type { Count } from '../counts'
import { texts } from '../texts'
import { now } from '../time/clock'
import { Values } from './documents'
import { rememberGroup } from './groups'
import { timeOptions, withTime } from './times'

/** What + Filter filters by, in the order in which it offers them. */
export const FIELDS = ['workflow', 'state', 'engine', 'trigger', 'step', 'group', 'range', 'min', 'max'] as const
export type Field = (typeof FIELDS)[number]

/** The fields that can also exclude. */
const NOT: Partial<Record<Field, ListField>> = { workflow: 'notWorkflow', trigger: 'notTrigger' }
const DURATIONS = [1_000, 10_000, 60_000, 600_000, 3_600_000]

export function canExclude(field: Field): boolean {
  return field in NOT
}

/** The choice with a value of a field; one that is chosen already is let go. Null: the field cannot exclude. */
export function withField(choice: Choice, field: Field, value: string, exclude: boolean): Partial<Choice> | null {
  if (field === 'range') return exclude ? null : withTime(choice, value)
  if (field === 'min' || field === 'max') return exclude ? null : { [field]: parseDuration(value) }
  const list = exclude ? NOT[field] : field
  if (!list) return null
  const chosen = (choice[list] as readonly string[]).includes(value)
  return chosen ? withoutValue(choice, list, value) : withValue(choice, list, value)
}

/** The values of a field that contain what is typed, with how many runs each would give. */
export async function optionsOf(choice: Choice, field: Field, typed: string, signal: AbortSignal): Promise<Option[]> {
  const matches = ({ text }: Option): boolean => contains(text, typed)
  if (field === 'min' || field === 'max') {
    const given = parseDuration(typed)
    const all = given === null ? DURATIONS : [given]
    return all.map(writeDuration).map((value) => ({ value, text: value })).filter((each) => given !== null || matches(each))
  }
  if (field === 'range') return timeOptions(choice, typed, now(), zoneNow())
  const found = await valuesOf(choice, field, typed.trim(), signal)
  const chosen: readonly string[] = choice[field]
  // Nothing is offered that matches nothing, except what is chosen, so that it can be let go.
  const missing = chosen.filter((value) => !found.some((each) => each.value === value))
  const gone: Option[] = field === 'group' ? [] : missing.map((value) => ({ value, text: value }))
  return [...found, ...gone].map((each) => ({ ...each, chosen: chosen.includes(each.value) })).filter(matches)
}

async function valuesOf(choice: Choice, field: ListField & Field, search: string, signal: AbortSignal): Promise<Option[]> {
  const asked = { state: false, workflow: false, engine: false, trigger: false, step: false, group: false, [field]: true }
  const { executionFacets } = await ask(Values, { filter: filterOf(choice, now()), search: search || null, ...asked }, { signal })
  const { state, workflow, engine, triggerKind, failedStepName, errorGroup } = given(executionFacets)
  const named = { workflow, engine, trigger: triggerKind, step: failedStepName } as const
  if (field === 'state') {
    const some = (state ?? []).filter(({ count }) => count.value > 0)
    return some.map((each) => option(each.state, texts.state[each.state], each.count))
  }
  if (field === 'group') {
    return (errorGroup ?? []).map(({ group, count }) => option(group.id, rememberGroup(group), count))
  }
  return (named[field as 'engine'] ?? []).map(({ name, count }) => option(name, name, count))
}

function option(value: string, text: string, count: Count): Option {
  return { value, text, note: texts.count(count) }
}
