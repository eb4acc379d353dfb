import { type JSX, useState } from 'react'
import { useLocation } from 'wouter'
import { ask } from '../api/api'
import { errorTexts } from '../error-texts'
import { filterOf } from '../filter/api-filter'
import { type Choice, NOTHING, writeChoice } from '../filter/filter'
import { timed } from '../metrics/figures'
import { toast, toastError } from '../parts/announce'
import { MenuItem } from '../parts/menu'
import { soon } from '../parts/soon'
import { BulkRetry } from '../retry/bulk-retry'
import { now } from '../time/clock'
import { SetState, Unsplit } from './documents'

const ResolveDialog = soon(async () => (await import('../resolve/resolve-dialog')).ResolveDialog)
const MergeDialog = soon(async () => (await import('./merge-dialog')).MergeDialog)
const MuteDialog = soon(async () => (await import('./mute-dialog')).MuteDialog)
const SplitDialog = soon(async () => (await import('./split-dialog')).SplitDialog)

/** What an administrator does with the group of an id. */
export interface Acting {
  /** Resolve, mute or (null) reopen it. */
  mark: (id: string, state: 'RESOLVED' | 'MUTED' | null, mutedUntil?: string) => void
  unsplit: (id: string) => void
  open: (id: string, asks: Asks) => void
  /** The dialog that is open. */
  dialog: JSX.Element | null
}
type Asks = 'retry' | 'byHand' | 'mute' | 'merge' | 'split'

/** `choice`: the runs of a group that one looks at, of which the unresolved ones are retried or resolved by hand. */
export function useActing(choice: Choice, onChanged: () => void): Acting {
  const [, go] = useLocation()
  const [asked, setAsked] = useState<{ id: string; asks: Asks } | null>(null)
  const say = async (work: () => Promise<string>): Promise<void> => {
    try {
      toast(await work())
    } catch (reason) {
      toastError(reason)
    }
    onChanged()
  }
  const mark: Acting['mark'] = (id, state, mutedUntil) =>
    void say(async () => {
      const { setErrorGroupState } = await ask(SetState, { input: { id, state, mutedUntil: mutedUntil ?? null } })
      return errorTexts.said[setErrorGroupState.group.state]
    })
  const dialog = ({ id, asks }: { id: string; asks: Asks }): JSX.Element => {
    const onClose = (): void => setAsked(null)
    const unresolved: Choice = { ...timed(choice), group: [id], unresolved: true }
    switch (asks) {
      case 'retry':
        return <BulkRetry ids={null} choice={unresolved} onClose={onClose} onStart={(retry) => go(`/history?${writeChoice({ ...NOTHING, retry })}`)} />
      case 'byHand':
        return <ResolveDialog ids={null} filter={filterOf(unresolved, now())} onClose={onClose} onChanged={onChanged} />
      case 'mute':
        return <MuteDialog onMute={(until) => mark(id, 'MUTED', until)} onClose={onClose} />
      case 'merge':
        return <MergeDialog id={id} onClose={onClose} onMerged={(into) => go(`/errors/${into}`)} />
      case 'split':
        return <SplitDialog id={id} onClose={onClose} onSplit={onChanged} />
    }
  }
  return {
    mark,
    unsplit: (id) => void say(async () => (await ask(Unsplit, { id }), errorTexts.unsplitDone)),
    open: (id, asks) => setAsked({ id, asks }),
    dialog: asked && dialog(asked),
  }
}

/** Entries of a menu: for how long nobody wants to see a group. */
export function MuteItems({ id, acting }: { id: string; acting: Acting }): JSX.Element {
  return (
    <>
      {Object.entries(errorTexts.muteFor).map(([ms, text]) => (
        <MenuItem key={ms} onChoose={() => acting.mark(id, 'MUTED', new Date(now() + Number(ms)).toISOString())}>
          {text}
        </MenuItem>
      ))}
      <MenuItem onChoose={() => acting.open(id, 'mute')}>{errorTexts.muteUntil}</MenuItem>
      <MenuItem onChoose={() => acting.mark(id, 'MUTED')}>{errorTexts.muteForGood}</MenuItem>
    </>
  )
}
