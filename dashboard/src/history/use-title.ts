import { useEffect } from 'react'
import plainIcon from '../icon.svg'
import markedIcon from '../icon-failed.svg'
import type { LiveList } from '../live/live-list'
import { texts } from '../texts'
import { now } from '../time/clock'
import { Unseen } from './unseen'
import type { Summary } from './use-summary'

/** What the tab says of a view that nobody looks at: how many runs failed, and a mark while a failure is new. */
export function useTitle({ facets }: Summary, list: LiveList): void {
  const failed = facets.data?.status?.find(({ status }) => status === 'FAILURE')?.count
  const text = failed?.value ? `${texts.count(failed)} ${texts.status.FAILURE.toLowerCase()} · ` : ''
  useEffect(() => {
    document.title = `${text}${texts.history.title} · ${texts.product}`
  }, [text])
  useEffect(() => {
    const unseen = new Unseen(0)
    const show = (): void => {
      const icon = unseen.any ? markedIcon : plainIcon
      const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
      if (link?.getAttribute('href') !== icon) link?.setAttribute('href', icon)
    }
    const look = (): void => {
      if (document.hidden) unseen.lookAway(now())
      else unseen.look()
      show()
    }
    if (!document.hidden) unseen.look()
    show()
    const unwatch = list.watch((update) => {
      unseen.take(update)
      show()
    })
    document.addEventListener('visibilitychange', look)
    return () => {
      unwatch()
      document.removeEventListener('visibilitychange', look)
    }
  }, [list])
}
