import type { JSX } from 'react'

/** Put an entry of a list one place up or down; at the ends they stay, so that the focus does. */
export function MoveButtons({
  name, isFirst, isLast, onMove,
}: {
  /** What a button does, as it is heard. */
  name: (by: -1 | 1) => string
  isFirst: boolean
  isLast: boolean
  onMove: (by: -1 | 1) => void
}): JSX.Element {
  const button = (by: -1 | 1, sign: string, isAtEnd: boolean): JSX.Element => (
    <button type="button" className="bare move" aria-label={name(by)} aria-disabled={isAtEnd} onClick={() => isAtEnd || onMove(by)}>
      {sign}
    </button>
  )
  return (
    <>
      {button(-1, '↑', isFirst)}
      {button(1, '↓', isLast)}
    </>
  )
}
