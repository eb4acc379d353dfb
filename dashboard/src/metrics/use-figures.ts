import { useEffect, useRef, useState } from 'react'
import { type ApiError, ask, askPartly, asApiError, given } from '../api/api'
import type { Choice } from '../filter/filter'
import { useAgain } from '../parts/use-again'
import { now, useApart } from '../time/clock'
import type { VariablesOf } from '../api/graphql'
import { type Figures, Figures as FiguresDocument, type WorkflowFigures, WorkflowFigures as Workflows, WorkflowIds } from './documents'
import { isOpen, metricsFilter, type Order, ORDERS, pendingFilter, unresolvedFilter, windowBefore, windowOf, writeFigures } from './figures'

/** Figures of a window that moves with the clock are asked for again after as long, while somebody looks. */
const AGAIN_MS = 15_000

export interface State {
  figures: Figures | null
  workflows: readonly WorkflowFigures[] | null
  /** When the figures were asked for, as an RFC 3339 time. */
  asOf: string | null
  /** Of the query that has them. */
  variables: VariablesOf<typeof FiguresDocument> | null
  /** Why there is none, or nothing newer; by the part of the page. */
  errors: { figures: readonly ApiError[]; workflows: ApiError | null }
  /** Whether what is shown is of another choice than the one that is asked for. */
  stale: boolean
  again(): void
}

type Kept = Omit<State, 'again' | 'stale'> & { key: string }

const NONE: Kept = {
  figures: null, workflows: null, asOf: null, variables: null, key: '', errors: { figures: [], workflows: null },
}

/** The figures of a choice, by the days of a zone, and the workflows in an order; null: without them. What was there stays until the answer is there. */
export function useFigures(choice: Choice, zone: string, order: Order | null): State {
  const [kept, setKept] = useState<Kept>(NONE)
  const [round, setRound] = useState(0)
  const wrongBy = useApart()
  const key = `${zone} ${wrongBy} ${writeFigures(choice, order ?? 'failed')}`
  const latest = useRef(choice)
  latest.current = choice

  useEffect(() => {
    const asking = new AbortController()
    const { signal } = asking
    const set = (part: Partial<Kept>, errors: Partial<Kept['errors']>): void => {
      if (!signal.aborted) setKept((before) => ({ ...before, ...part, errors: { ...before.errors, ...errors } }))
    }
    load(latest.current, { zone, order }, signal, key, set).catch((reason: unknown) => set({}, { figures: [asApiError(reason)] }))
    return () => asking.abort()
  }, [key, zone, order, round])

  // Each 15 s while it is looked at, and at once when somebody looks again.
  const open = isOpen(choice)
  const { asOf } = kept
  useEffect(() => {
    if (!open || asOf === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const plan = (): void => {
      clearTimeout(timer)
      if (document.hidden) return
      timer = setTimeout(() => setRound((count) => count + 1), Math.max(0, Date.parse(asOf) + AGAIN_MS - now()))
    }
    plan()
    document.addEventListener('visibilitychange', plan)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', plan)
    }
  }, [open, asOf])

  const again = (): void => setRound((count) => count + 1)
  useAgain(kept.errors.figures.length > 0 || kept.errors.workflows !== null, again)

  // All parts are of one window: what is wrong with it is said once, and nothing of another window stays beside it.
  const refused = kept.errors.figures.find(({ code }) => code === 'BAD_USER_INPUT')
  const shown = refused ? { figures: null, workflows: null, errors: { figures: [refused], workflows: null } } : {}
  return { ...kept, ...shown, stale: kept.key !== key, again }
}

async function load(
  choice: Choice,
  { zone, order }: { zone: string; order: Order | null },
  signal: AbortSignal,
  key: string,
  set: (part: Partial<Kept>, errors: Partial<Kept['errors']>) => void,
): Promise<void> {
  const ids = choice.workflow.length ? await idsOf(choice.workflow, signal) : null
  const at = now()
  const window = windowOf(choice, at)
  const filter = metricsFilter(choice, window, ids)
  const before = metricsFilter(choice, windowBefore(window), ids)
  const variables = { filter, before, unresolved: unresolvedFilter(choice, window), pending: pendingFilter(choice), zone }
  const figures = askPartly(FiguresDocument, variables, { signal }).then(({ data, errors }) =>
    set({ figures: data, asOf: new Date(at).toISOString(), variables, key }, { figures: errors }),
  )
  const workflows = order && ask(Workflows, { filter, order: ORDERS[order], zone }, { signal }).then(
    ({ metrics }) => set({ workflows: given(metrics).byWorkflow }, { workflows: null }),
    (reason: unknown) => set({}, { workflows: asApiError(reason) }),
  )
  await Promise.all([figures, workflows])
}

/** The ids of all workflows with these names: two engines may have one each. */
export async function idsOf(names: readonly string[], signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all(names.map((name) => ask(WorkflowIds, { search: name }, { signal })))
  const all = found.flatMap(({ workflows }) => given(workflows).nodes)
  return all.filter(({ name }) => names.includes(name)).map(({ id }) => id)
}
