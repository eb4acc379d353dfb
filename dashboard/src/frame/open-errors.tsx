import { type JSX, useEffect, useState } from 'react'
import { ask } from '../api/api'
import type { Count } from '../counts'
import { texts } from '../texts'
import { OpenGroups } from './documents'

/** It says how things are, not what has just happened. */
const AGAIN_MS = 60_000

/** How many error groups wait for somebody; nothing while none does, or nobody knows. */
export function OpenErrors(): JSX.Element | null {
  const [count, setCount] = useState<Count | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let asked = -AGAIN_MS
    let gone = false
    const look = async (): Promise<void> => {
      asked = performance.now()
      const found = await ask(OpenGroups, {}).catch(() => null)
      if (gone) return
      setCount(found?.errorGroups?.totalCount ?? null)
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
  if (!count?.value) return null
  return (
    <span className="badge numbers">
      {texts.count(count)}
      <span className="visually-hidden"> {texts.frame.openErrors}</span>
    </span>
  )
}
