import { type JSX, useRef, useState } from 'react'
import { exportFile } from '../api/export'
import type { LiveLog } from '../live/live-log'
import { announce, toastError } from '../parts/announce'
import { Menu, MenuItem } from '../parts/menu'
import { changeSettings, useSettings } from '../parts/settings'
import { runTexts } from '../run-texts'
import { filterOf, type Wanted } from './source'

/** How the log is shown, and ways to take it along. */
export function ViewMenu({
  executionId,
  log,
  wanted,
  filtered,
}: {
  executionId: string
  log: LiveLog
  wanted: Wanted
  filtered: boolean
}): JSX.Element {
  const { wrapLog, logClock } = useSettings()
  const [busy, setBusy] = useState(false)
  const stop = useRef<AbortController>(null)
  const download = async (format: 'txt' | 'ndjson', all: boolean): Promise<void> => {
    const stopping = (stop.current = new AbortController())
    setBusy(true)
    try {
      await exportFile('log', { executionId, format, ...(all ? {} : filterOf(wanted)) }, stopping.signal)
      announce(runTexts.log.downloaded)
    } catch (reason) {
      if (!stopping.signal.aborted) toastError(reason)
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      {busy && (
        <span className="numbers dim" role="status">
          {runTexts.log.downloading}{' '}
          <button type="button" className="link" onClick={() => stop.current?.abort()}>
            {runTexts.log.stop}
          </button>
        </span>
      )}
      <Menu button={runTexts.log.view} className="log-view">
        <MenuItem chosen={wrapLog} onChoose={() => changeSettings({ wrapLog: !wrapLog })}>
          {runTexts.log.wrap} <kbd>w</kbd>
        </MenuItem>
        <MenuItem chosen={logClock} onChoose={() => changeSettings({ logClock: !logClock })}>
          {runTexts.log.clock}
        </MenuItem>
        <p className="heading">{runTexts.log.download}</p>
        {(['txt', 'ndjson'] as const).map((form) => (
          <MenuItem key={`all ${form}`} onChoose={() => void download(form, true)}>
            {runTexts.log.downloadAll[form]}
          </MenuItem>
        ))}
        {filtered &&
          log.total > 0 &&
          (['txt', 'ndjson'] as const).map((form) => (
            <MenuItem key={form} onChoose={() => void download(form, false)}>
              {runTexts.log.downloadView[form]}
            </MenuItem>
          ))}
      </Menu>
    </>
  )
}
