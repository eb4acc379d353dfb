import { type JSX, useEffect, useState } from 'react'
import { askPartly } from '../api/api'
import type { Count } from '../counts'
import { texts } from '../texts'
import { Open } from './documents'

/** It says how things are, not what has just happened. */
const AGAIN_MS = 60_000

/** How many wait for somebody, by the page that has them; null where nobody knows. */
export type OpenCounts = Readonly<Record<'errors' | 'alerts', Count | null>>

const UNKNOWN: OpenCounts = { errors: null, alerts: null }

/** Open error groups and alerts, each minute while somebody looks. */
export function useOpen(): OpenCounts {
  const [counts, setCounts] = useState(UNKNOWN)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let asked = -AGAIN_MS
    let gone = false
    const look = async (): Promise<void> => {
      asked = performance.now()
      const data = await askPartly(Open, {}).then((answer) => answer.data, () => null)
      if (gone) return
      setCounts({ errors: data?.errorGroups?.totalCount ?? null, alerts: data?.alerts?.totalCount ?? null })
      plan()
    }
    const plan = (): void => {
      clearTimeout(timer)
      if (!document.hidden) timer = setTimeout(() => void look(), Math.max(0, asked + AGAIN_MS - performance.now()))
    }
    plan()
    document.addEventListener('visibilitychange', plan)
    return () => {
      gone = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', plan)
    }
  }, [])
  return counts
}

/** Behind the name of a page; nothing while nothing waits there. */
export function Badge({ of, counts }: { of: keyof OpenCounts; counts: OpenCounts }): JSX.Element | null {
  const count = counts[of]
  if (!count?.value) return null
  return (
    <span className="badge numbers">
      {texts.count(count)}
      <span className="visually-hidden"> {texts.frame.open[of]}</span>
    </span>
  )
}
