import { type JSX, useRef, useState } from 'react'
import type { ExecutionFilter } from '../filter/api-filter'
import { Icon } from '../frame/icons'
import { toast } from '../parts/announce'
import { Menu, MenuItem } from '../parts/menu'
import { texts } from '../texts'

const FORMS = ['csv', 'ndjson'] as const

/** Have a list saved as a file: of its filter, when it is asked for. */
export function ExportMenu({ filter, icon = false }: { filter: () => ExecutionFilter; icon?: boolean }): JSX.Element {
  const stop = useRef<AbortController>(null)
  const [busy, setBusy] = useState(false)
  const save = async (format: (typeof FORMS)[number]): Promise<void> => {
    const stopping = (stop.current = new AbortController())
    setBusy(true)
    try {
      const { exportFile } = await import('../api/export')
      await exportFile('executions', { filter: filter(), format }, stopping.signal)
      toast(texts.exports.done)
    } catch (reason) {
      if (!stopping.signal.aborted) toast(texts.exports.failed(reason instanceof Error ? reason.message : String(reason)))
    } finally {
      setBusy(false)
    }
  }
  if (busy) {
    return (
      <button type="button" aria-busy="true" onClick={() => stop.current?.abort()}>
        {texts.exports.stop}
      </button>
    )
  }
  return (
    <Menu
      label={texts.exports.button}
      button={
        <>
          {icon && <Icon name="export" />} <span className={icon ? 'word' : ''}>{texts.exports.button}</span>
        </>
      }
    >
      <p className="heading">{texts.exports.order}</p>
      {FORMS.map((form) => (
        <MenuItem key={form} onChoose={() => void save(form)}>
          {texts.exports.as[form]}
        </MenuItem>
      ))}
    </Menu>
  )
}
