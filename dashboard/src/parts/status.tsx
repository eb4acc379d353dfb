import type { JSX } from 'react'
import type { State, Status } from '../filter/filter'
import { texts } from '../texts'

const SIGNS: Record<Status, string> = {
  SUCCESS: 'M4.6 8.4l2.3 2.3 4.6-5',
  FAILURE: 'M5.4 5.4l5.2 5.2m0-5.2l-5.2 5.2',
  PENDING: 'M8 4.6V8l2.3 1.6',
  CANCELLED: 'M5 8h6',
}

/** A shape of its own for each status, so that colour is never the only sign. */
export function StatusIcon({ status, state }: { status: Status; state?: State }): JSX.Element {
  return (
    <svg
      className={`status-icon ${status} ${state === 'CONTACT_LOST' ? 'lost' : ''}`}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      {status === 'FAILURE' && <path className="plate" d="M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z" />}
      {status === 'CANCELLED' && <rect className="plate" x="1.5" y="1.5" width="13" height="13" rx="2.5" />}
      {status === 'SUCCESS' && <circle className="plate" cx="8" cy="8" r="6.8" />}
      {status === 'PENDING' && <circle className="ring" cx="8" cy="8" r="6.2" />}
      <path className="sign" d={SIGNS[status]} />
    </svg>
  )
}

/** Icon and the state's own word. */
export function StatusWord({ status, state }: { status: Status; state: State }): JSX.Element {
  return (
    <>
      <StatusIcon status={status} state={state} />
      <span>{texts.state[state]}</span>
    </>
  )
}
