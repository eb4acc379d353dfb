import { type JSX, useRef, useState } from 'react'
import type { ExecutionFilter } from '../filter/api-filter'
import { Icon } from '../frame/icons'
import { toast, toastError } from '../parts/announce'
import { soon } from '../parts/soon'
import { texts } from '../texts'
import type { Column } from './columns'

const ExportDialog = soon(async () => (await import('./export-dialog')).ExportDialog)

/** Have a list saved as a file: of its filter, when it is asked for. */
export function ExportButton({
  filter, selected = null, columns, icon = false,
}: {
  filter: () => ExecutionFilter
  /** How many runs are chosen; null: all that match. */
  selected?: number | null
  /** Those of the list. */
  columns: readonly Column[]
  icon?: boolean
}): JSX.Element {
  const stop = useRef<AbortController>(null)
  const [state, setState] = useState<'asks' | 'saves' | null>(null)
  const saves = state === 'saves'
  const save = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    const stopping = (stop.current = new AbortController())
    setState('saves')
    try {
      await work(stopping.signal)
      toast(texts.exports.done)
    } catch (reason) {
      if (!stopping.signal.aborted) toastError(reason, texts.exports.failed)
    } finally {
      setState(null)
    }
  }
  return (
    <>
      <button
        type="button"
        aria-label={saves ? texts.exports.stop : texts.exports.button}
        aria-haspopup={saves ? undefined : 'dialog'}
        aria-busy={saves}
        onClick={() => (saves ? stop.current?.abort() : setState('asks'))}
      >
        {icon && <Icon name="export" />} <span className={icon ? 'word' : ''}>{saves ? texts.exports.stop : texts.exports.button}</span>
      </button>
      {state === 'asks' && (
        <ExportDialog filter={filter} selected={selected} columns={columns} onSave={(work) => void save(work)} onClose={() => setState(null)} />
      )}
    </>
  )
}
