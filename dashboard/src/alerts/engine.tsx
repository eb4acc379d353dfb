import { type JSX, useId } from 'react'
import { alertTexts } from '../alert-texts'
import { ErrorBox } from '../parts/error-box'
import { useAsked } from '../parts/use-asked'
import { hrefs } from '../routes'
import { Engines } from './documents'

/** The engine that a rule about silence watches, by its name. */
export function EngineName({ id }: { id: string }): JSX.Element {
  const name = useAsked(Engines, {}).data?.engines?.find((engine) => engine.id === id)?.name
  return name === undefined ? <b>{alertTexts.oneEngine}</b> : <a href={hrefs.engines(name)}>{name}</a>
}

/** Which engine a rule about silence watches: one, or each by itself. */
export function WatchedEngine({ engineId, onChange }: { engineId: string | null; onChange: (id: string | null) => void }): JSX.Element {
  const { form } = alertTexts
  const id = useId()
  const { data, error, again } = useAsked(Engines, {})
  const engines = data?.engines ?? []
  const known = engineId === null || engines.some((engine) => engine.id === engineId)
  return (
    <>
      <label htmlFor={id}>{form.engine}</label>
      <select id={id} value={engineId ?? ''} onChange={(event) => onChange(event.target.value || null)}>
        <option value="">{form.everyEngine}</option>
        {!known && <option value={engineId}>{alertTexts.oneEngine}</option>}
        {engines.map((engine) => (
          <option key={engine.id} value={engine.id}>
            {engine.name}
          </option>
        ))}
      </select>
      {error && <ErrorBox error={error} retry={again} />}
    </>
  )
}
