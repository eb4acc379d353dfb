import { type JSX, type KeyboardEvent, useRef, useState } from 'react'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { useNow } from '../time/clock'
import { ago, duration, millis } from '../time/time'
import { workflowTexts } from '../workflow-texts'
import type { Run } from './documents'

const LEAST = 0.18

/**
 * The newest runs, the newest at the right: as high as they took long, each with the shape and the colour of its status, and a
 * link to it. The arrows go from one to the next; Tab leaves them.
 */
export function Bars({ runs, name }: { runs: readonly Run[]; name: string }): JSX.Element {
  const now = useNow(false)
  const list = useRef<HTMLUListElement>(null)
  const [at, setAt] = useState<string | null>(null)
  const shown = runs.toReversed()
  const here = shown.find(({ id }) => id === at)?.id ?? shown.at(-1)?.id
  const took = shown.map((run) => run.durationMs ?? (run.startedAt === null ? 0 : Math.max(0, now - millis(run.startedAt))))
  const top = Math.max(1, ...took)
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step === undefined) return
    const links = [...list.current!.querySelectorAll('a')]
    links[links.indexOf(document.activeElement as HTMLAnchorElement) + step]?.focus()
    event.preventDefault()
  }
  return (
    <ul ref={list} className="bars" aria-label={workflowTexts.recentOf(name)}>
      {shown.map((run, index) => {
        const long = run.durationMs === null ? texts.none : duration(run.durationMs)
        const said = workflowTexts.run(texts.state[run.state], long, ago(run.queuedAt, now))
        return (
          <li key={run.id}>
            <a
              href={hrefs.execution(run.id)}
              className={run.status}
              tabIndex={run.id === here ? 0 : -1}
              onFocus={() => setAt(run.id)}
              onKeyDown={move}
              title={said}
              aria-label={said}
            >
              <span style={{ blockSize: `${Math.max(LEAST, took[index]! / top) * 100}%` }} />
            </a>
          </li>
        )
      })}
    </ul>
  )
}
