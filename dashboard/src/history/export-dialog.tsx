import { type FormEvent, type JSX, useState } from 'react'
import { exportFile } from '../api/export'
import { exportTexts as texts } from '../export-texts'
import type { ExecutionFilter } from '../filter/api-filter'
import { announce } from '../parts/announce'
import { Dialog } from '../parts/dialog'
import { MoveButtons } from '../parts/move-buttons'
import { changeSettings, useSettings } from '../parts/settings'
import { texts as common } from '../texts'
import { type Column, moved } from './columns'
import './export.css'
import { asInList, EXPORTED, type Exported, keptExported, parseExported, startingWith } from './exported'

const FORMATS = ['csv', 'ndjson'] as const

/** The dialog begins there: Enter exports as the last time, and what is chosen is in sight. */
function takeFocus(input: HTMLInputElement | null): void {
  input?.setAttribute('autofocus', '')
}

/** In which form, and with which columns in which order; what is chosen is kept in this browser, for the next time. */
export function ExportDialog({
  filter, selected, columns, onSave, onClose,
}: {
  filter: () => ExecutionFilter
  selected: number | null
  columns: readonly Column[]
  onSave: (work: (signal: AbortSignal) => Promise<void>) => void
  onClose: () => void
}): JSX.Element {
  const kept = useSettings()
  const [format, setFormat] = useState(kept.exportFormat)
  const [chosen, setChosen] = useState<readonly Exported[]>(() => parseExported(kept.exportColumns))
  // One that is left out keeps its place: what is under the pointer stays there.
  const [order, setOrder] = useState<readonly Exported[]>(() => startingWith(chosen))
  const save = (event: FormEvent): void => {
    event.preventDefault()
    if (!chosen.length) return
    const asked = order.filter((each) => chosen.includes(each))
    changeSettings({ exportFormat: format, exportColumns: keptExported(asked) })
    onSave((signal) => exportFile('executions', { filter: filter(), format, columns: asked }, signal))
  }
  const choose = (next: readonly Exported[]): void => {
    setChosen(next)
    setOrder(startingWith(next))
  }
  const turn = (column: Exported): void =>
    setChosen((before) => (before.includes(column) ? before.filter((each) => each !== column) : [...before, column]))
  const move = (column: Exported, by: -1 | 1): void => {
    const next = moved(order, column, by)
    setOrder(next)
    announce(texts.isAt(texts.column[column], next.indexOf(column) + 1, next.length))
  }
  return (
    <Dialog title={texts.title} onClose={onClose} className="export">
      <form onSubmit={save}>
        <p className="dim">{texts.of(selected)}</p>
        <fieldset>
          <legend>{texts.format}</legend>
          {FORMATS.map((each) => (
            <label key={each}>
              <input type="radio" name="format" checked={format === each} ref={format === each ? takeFocus : null} onChange={() => setFormat(each)} />{' '}
              {texts.formats[each]}
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>{texts.columns}</legend>
          <p className="sets">
            <button type="button" className="link" onClick={() => choose(EXPORTED)}>
              {texts.all}
            </button>
            <button type="button" className="link" onClick={() => choose(asInList(columns))}>
              {texts.asInList}
            </button>
          </p>
          <ol>
            {order.map((column, index) => (
              <li key={column}>
                <label>
                  <input type="checkbox" checked={chosen.includes(column)} onChange={() => turn(column)} /> {texts.column[column]}
                </label>
                <MoveButtons
                  name={(by) => texts.move[by](texts.column[column])}
                  isFirst={index === 0}
                  isLast={index === order.length - 1}
                  onMove={(by) => move(column, by)}
                />
              </li>
            ))}
          </ol>
        </fieldset>
        <div className="actions">
          <p className="wrong" role="status">
            {chosen.length === 0 && texts.none}
          </p>
          <button type="button" onClick={onClose}>
            {common.dialog.cancel}
          </button>
          <button type="submit" className="primary" aria-disabled={chosen.length === 0}>
            {texts.submit}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
