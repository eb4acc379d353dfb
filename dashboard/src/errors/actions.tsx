import { type JSX, lazy, Suspense, useState } from 'react'
import { useLocation } from 'wouter'
import { asApiError, ask } from '../api/api'
import { errorTexts } from '../error-texts'
import { filterOf } from '../filter/api-filter'
import { type Choice, NOTHING, writeChoice } from '../filter/filter'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Menu, MenuItem } from '../parts/menu'
import { BulkRetry } from '../retry/bulk-retry'
import { texts } from '../texts'
import { now } from '../time/clock'
import { type Group, SetState, Unsplit } from './documents'

const ResolveDialog = lazy(async () => ({ default: (await import('../resolve/resolve-dialog')).ResolveDialog }))
const MergeDialog = lazy(async () => ({ default: (await import('./merge-dialog')).MergeDialog }))
const MuteDialog = lazy(async () => ({ default: (await import('./mute-dialog')).MuteDialog }))
const SplitDialog = lazy(async () => ({ default: (await import('./split-dialog')).SplitDialog }))

type Open = 'retry' | 'byHand' | 'mute' | 'merge' | 'split'

/** What an administrator does with a group; a viewer sees nothing of it. */
export function Actions({ group, choice, onChanged }: { group: Group; choice: Choice; onChanged: () => void }): JSX.Element | null {
  const [, go] = useLocation()
  const [open, setOpen] = useState<Open | null>(null)
  const viewer = useViewer()
  if (viewer?.role !== 'ADMIN') return null
  const { id, state } = group
  const close = (): void => setOpen(null)
  const unresolved: Choice = { ...NOTHING, group: [id], unresolved: true, range: choice.range, from: choice.from, to: choice.to }

  const doIt = async (work: () => Promise<string>): Promise<void> => {
    try {
      toast(await work())
    } catch (reason) {
      toast(asApiError(reason).message)
    }
    onChanged()
  }
  const say = (to: 'RESOLVED' | 'MUTED' | null, mutedUntil: string | null = null): void =>
    void doIt(async () => {
      const { setErrorGroupState } = await ask(SetState, { input: { id, state: to, mutedUntil } })
      return errorTexts.said[setErrorGroupState.group.state]
    })
  return (
    <>
      <button type="button" onClick={() => setOpen('retry')}>
        {errorTexts.retry}
      </button>
      {state !== 'RESOLVED' && (
        <button type="button" title={errorTexts.resolveHint} onClick={() => say('RESOLVED')}>
          {errorTexts.resolve}
        </button>
      )}
      {state !== 'OPEN' && (
        <button type="button" onClick={() => say(null)}>
          {errorTexts.reopen}
        </button>
      )}
      <Menu button={<>{errorTexts.mute} ▾</>}>
        {Object.entries(errorTexts.muteFor).map(([ms, text]) => (
          <MenuItem key={ms} onChoose={() => say('MUTED', new Date(now() + Number(ms)).toISOString())}>
            {text}
          </MenuItem>
        ))}
        <MenuItem onChoose={() => setOpen('mute')}>{errorTexts.muteUntil}</MenuItem>
        <MenuItem onChoose={() => say('MUTED')}>{errorTexts.muteForGood}</MenuItem>
      </Menu>
      <Menu button="⋯" label={errorTexts.actions}>
        <MenuItem onChoose={() => setOpen('byHand')}>{texts.history.resolveByHand}</MenuItem>
        <MenuItem onChoose={() => setOpen('merge')}>{errorTexts.mergeInto}</MenuItem>
        {group.splitBy.length > 0 ? (
          <MenuItem onChoose={() => void doIt(async () => (await ask(Unsplit, { id }), errorTexts.unsplitDone))}>{errorTexts.unsplit}</MenuItem>
        ) : (
          <MenuItem onChoose={() => setOpen('split')}>{errorTexts.split}</MenuItem>
        )}
      </Menu>
      <Suspense>
        {open === 'retry' && (
          <BulkRetry
            ids={null}
            choice={unresolved}
            onClose={close}
            onStart={(retry) => go(`/history?${writeChoice({ ...NOTHING, retry })}`)}
          />
        )}
        {open === 'byHand' && <ResolveDialog ids={null} filter={filterOf(unresolved, now())} onClose={close} onChanged={onChanged} />}
        {open === 'mute' && <MuteDialog onMute={(until) => say('MUTED', until)} onClose={close} />}
        {open === 'merge' && <MergeDialog group={group} onClose={close} onMerged={(into) => go(`/errors/${into}`)} />}
        {open === 'split' && <SplitDialog id={id} onClose={close} onSplit={onChanged} />}
      </Suspense>
    </>
  )
}
