import { type JSX, useRef, useState } from 'react'
import { LiveLog } from '../live/live-log'
import { announce, toast } from '../parts/announce'
import { Menu, MenuItem } from '../parts/menu'
import { changeSettings, useSettings } from '../parts/settings'
import { runTexts } from '../run-texts'
import { asNdjson, asText } from './as-text'
import { sourceOf, type Wanted } from './source'

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
  const [done, setDone] = useState<number | null>(null)
  const stop = useRef<AbortController>(null)
  const download = async (form: 'text' | 'ndjson', all: boolean): Promise<void> => {
    const from = all ? new LiveLog(sourceOf(executionId, { level: 'TRACE', step: null, search: '' })) : new LiveLog(sourceOf(executionId, wanted))
    const stopping = new AbortController()
    stop.current = stopping
    const write = form === 'text' ? asText : asNdjson
    const parts: string[] = []
    let count = 0
    try {
      setDone(0)
      for await (const lines of from.read(0, Infinity, stopping.signal)) {
        parts.push(`${lines.map(write).join('\n')}\n`)
        count += lines.length
        setDone(count)
      }
      save(parts, `${executionId}.log.${form === 'text' ? 'txt' : 'ndjson'}`, form === 'text' ? 'text/plain' : 'application/x-ndjson')
      announce(runTexts.log.downloaded(count))
    } catch (reason) {
      if (!stopping.signal.aborted) toast(String(reason instanceof Error ? reason.message : reason))
    } finally {
      setDone(null)
    }
  }
  return (
    <>
      {done !== null && (
        <span className="numbers dim" role="status">
          {runTexts.log.downloading(done)}{' '}
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
        {(['text', 'ndjson'] as const).map((form) => (
          <MenuItem key={`all ${form}`} onChoose={() => void download(form, true)}>
            {runTexts.log.downloadAll[form]}
          </MenuItem>
        ))}
        {filtered &&
          log.total > 0 &&
          (['text', 'ndjson'] as const).map((form) => (
            <MenuItem key={form} onChoose={() => void download(form, false)}>
              {runTexts.log.downloadView[form]}
            </MenuItem>
          ))}
      </Menu>
    </>
  )
}

function save(parts: string[], name: string, type: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(parts, { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
