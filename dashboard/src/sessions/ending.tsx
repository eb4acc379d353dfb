import type { JSX } from 'react'
import { ApiError, ask } from '../api/api'
import type { VariablesOf } from '../api/graphql'
import { useViewer } from '../frame/viewer'
import { toast } from '../parts/announce'
import { Confirm } from '../parts/confirm'
import { sessionTexts } from '../session-texts'
import { EndSessions, type Session } from './documents'

interface Ending {
  onEnded: () => void
  onClose: () => void
}

/** Ends one session of somebody, once it is confirmed. */
export function EndOne({ session, browser, ...then }: { session: Session; browser: string } & Ending): JSX.Element {
  return (
    <Confirm title={sessionTexts.endTitle(session.name)} word={sessionTexts.end} act={() => end({ id: session.id }, then)} onClose={then.onClose}>
      <p>{sessionTexts.endText(browser)}</p>
    </Confirm>
  )
}

/** Ends all that have a name. */
export function EndAllOf({ name, sessions, ...then }: { name: string; sessions: readonly Session[] } & Ending): JSX.Element {
  const viewer = useViewer()
  return (
    <Confirm title={sessionTexts.endAllTitle(name)} word={sessionTexts.endAll} act={() => end({ name }, then)} onClose={then.onClose}>
      <p>{sessionTexts.endAllText(sessions.length)}</p>
      {viewer?.name === name && (
        <p>
          <b>{sessionTexts.isMe}</b>
        </p>
      )}
    </Confirm>
  )
}

/** Ends what else the own credential has signed in. */
export function EndOthers(then: Ending): JSX.Element {
  return (
    <Confirm title={sessionTexts.endOthersTitle} word={sessionTexts.endAll} act={() => end({ others: true }, then)} onClose={then.onClose}>
      <p>{sessionTexts.endOthersText}</p>
    </Confirm>
  )
}

async function end(input: VariablesOf<typeof EndSessions>['input'], { onEnded, onClose }: Ending): Promise<void> {
  let count = 0
  try {
    count = (await ask(EndSessions, { input })).endSessions.ended
  } catch (reason) {
    // Somebody else was quicker, or a second click.
    if (!(reason instanceof ApiError && reason.code === 'NOT_FOUND')) throw reason
  }
  toast(sessionTexts.ended(count))
  onClose()
  onEnded()
}
