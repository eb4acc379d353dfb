import type { JSX, ReactNode } from 'react'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { useViewer } from './viewer'

/** What only administrators see. Others are told so, and where to go. */
export function ForAdministrators({ forbidden, hint, children }: { forbidden: string; hint: string; children: ReactNode }): JSX.Element | null {
  const viewer = useViewer()
  if (viewer === null) return null
  if (viewer.role === 'ADMIN') return <>{children}</>
  return (
    <div className="empty" role="status">
      <h2>{forbidden}</h2>
      <p>{hint}</p>
      <a className="button" href={hrefs.history()}>
        {texts.frame.toHistory}
      </a>
    </div>
  )
}
