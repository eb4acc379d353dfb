import { type JSX, useState } from 'react'
import { ask } from '../api/api'
import { useViewer } from '../frame/viewer'
import { toast, toastError } from '../parts/announce'
import { soon } from '../parts/soon'
import { When } from '../parts/when'
import { Unresolve } from '../resolve/documents'
import { runTexts } from '../run-texts'
import { texts } from '../texts'
import type { Run } from './documents'

const ResolveDialog = soon(async () => (await import('../resolve/resolve-dialog')).ResolveDialog)

/** Says of a failure that it was mended elsewhere, or takes that back; for administrators. */
export function ResolveButton({ run }: { run: Run }): JSX.Element | null {
  const [open, setOpen] = useState(false)
  const viewer = useViewer()
  if (viewer?.role !== 'ADMIN' || run.status !== 'FAILURE') return null
  const takeBack = async (): Promise<void> => {
    try {
      await ask(Unresolve, { ids: [run.id] })
      toast(runTexts.execution.unresolved)
    } catch (reason) {
      toastError(reason)
    }
  }
  return (
    <>
      {run.resolution && (
        <button type="button" onClick={() => void takeBack()}>
          {runTexts.execution.unresolve}
        </button>
      )}
      {!run.resolved && (
        <button type="button" onClick={() => setOpen(true)}>
          {texts.history.resolveByHand}
        </button>
      )}
      {/* It stays when the run is resolved: it says so, and has the way back. */}
      {open && <ResolveDialog ids={[run.id]} filter={{}} onClose={() => setOpen(false)} />}
    </>
  )
}

/** Who resolved a run by hand, and why. */
export function Resolved({ resolution: { by, at, note } }: { resolution: NonNullable<Run['resolution']> }): JSX.Element {
  return (
    <p className="resolution">
      <b className="SUCCESS">{runTexts.execution.resolvedBy(by)}</b> <When at={at} focusable />: {note}
    </p>
  )
}
