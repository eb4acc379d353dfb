import { type RefObject, useRef } from 'react'
import type { RunRow } from '../filter/documents'
import type { LogHandle } from '../log/log'
import { announce } from '../parts/announce'
import { copyAndSay, curlOf } from '../parts/copy'
import { type KeyMap, useKeys } from '../parts/keys'
import { changeSettings, currentSettings } from '../parts/settings'
import { retryNow } from '../retry/retry-button'
import { runTexts } from '../run-texts'
import type { Attempt, Run } from './documents'
import { linkOf } from './share'
import type { StepsHandle } from './steps'

/** The single keys of a run. Beside the list, the list has those that it shares with its rows. */
export function useRunKeys({
  id,
  run,
  attempts,
  sheet,
  steps,
  log,
  onOpen,
  onRetried,
  onCompare,
}: {
  id: string
  /** Null while it is on its way. */
  run: Run | null
  attempts: readonly Attempt[]
  sheet: boolean
  steps: RefObject<StepsHandle | null>
  log: RefObject<LogHandle | null>
  onOpen: (id: string) => void
  onRetried: (made: RunRow) => void
  onCompare: () => void
}): void {
  // What `e` showed last, of the failed steps; behind them come the error lines of the log.
  const shown = useRef({ of: '', step: -1 })
  const nextFailure = async (): Promise<void> => {
    if (!run) return
    if (shown.current.of !== run.id) shown.current = { of: run.id, step: -1 }
    const failed = run.steps.filter(({ status }) => status === 'FAILURE')
    const next = failed[shown.current.step + 1]
    if (next) {
      shown.current.step++
      steps.current?.show(next.id)
      return
    }
    shown.current.step = failed.length
    if (await log.current?.nextError()) return
    shown.current.step = -1 // around: the first step again
    announce(runTexts.log.moreError)
  }
  const own: KeyMap = {
    d: () => run !== null && onCompare(),
    e: () => void nextFailure(),
    w: () => changeSettings({ wrapLog: !currentSettings().wrapLog }),
    ...(run?.previous && { '[': () => onOpen(run.previous!.id) }),
    ...(run?.next && { ']': () => onOpen(run.next!.id) }),
  }
  // What needs the id alone works while the run is on its way: a key that follows `]` at once is not lost.
  const alone: KeyMap = {
    c: () => void copyAndSay(location.search ? location.href : linkOf({ id })),
    y: () => void copyAndSay(id),
    Y: () => void copyAndSay(curlOf(id)),
    ...(run && { r: () => void retryNow(run, onRetried, attempts) }),
  }
  useKeys(sheet ? own : { ...own, ...alone })
}
