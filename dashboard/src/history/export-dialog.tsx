import { type FormEvent, type JSX, useState } from 'react'
import { exportFile } from '../api/export'
import { exportTexts as texts } from '../export-texts'
import type { ExecutionFilter } from '../filter/api-filter'
import { Dialog } from '../parts/dialog'
import { changeSettings, useSettings } from '../parts/settings'
import { texts as common } from '../texts'
import type { Column } from './columns'
import './export.css'
import { asInList, EXPORTED, type Exported, parseExported } from './exported'

const FORMATS = ['csv', 'ndjson'] as const

/** The dialog begins there: Enter exports as the last time, and what is chosen is in sight. */
function takeFocus(input: HTMLInputElement | null): void {
  input?.setAttribute('autofocus', '')
}

/** In which form, and with which columns; what is chosen is kept in this browser, for the next time. */
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
  const save = (event: FormEvent): void => {
    event.preventDefault()
    if (!chosen.length) return
    const all = chosen.length === EXPORTED.length
    changeSettings({ exportFormat: format, exportColumns: all ? null : [...chosen] })
    onSave((signal) => exportFile('executions', { filter: filter(), format, columns: chosen }, signal))
  }
  const turn = (column: Exported): void =>
    setChosen((before) => EXPORTED.filter((each) => before.includes(each) !== (each === column)))
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
            <button type="button" className="link" onClick={() => setChosen(EXPORTED)}>
              {texts.all}
            </button>
            <button type="button" className="link" onClick={() => setChosen(asInList(columns))}>
              {texts.asInList}
            </button>
          </p>
          <div className="columns">
            {EXPORTED.map((column) => (
              <label key={column}>
                <input type="checkbox" checked={chosen.includes(column)} onChange={() => turn(column)} /> {texts.column[column]}
              </label>
            ))}
          </div>
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
