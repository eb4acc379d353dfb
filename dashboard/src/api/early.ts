import { type Sent, send } from './send'

/** A request that was sent before the page's own scripts were there. */
export interface Early {
  body: string
  /** When it was made, in ms: what was relative to now is relative to this. */
  at: number
  sent: Promise<Sent>
  abort(): void
}

declare global {
  // It passes from one script to another: a module cannot be imported by a script that is none.
  var runwatchEarly: Early | undefined
}

let drawn = (): void => {}
const answered = globalThis.runwatchEarly?.sent.then(
  () => new Promise((done) => setTimeout(done)), // once the list has taken it in
  () => {},
)
const first = answered && Promise.all([answered, new Promise<void>((done) => (drawn = done))])

/** Whatever else the page asks for, and its socket, wait until the first rows are drawn: they come first. */
export async function afterFirst(): Promise<void> {
  await first
}

/** The page has drawn something. */
export function firstDrawn(): void {
  drawn()
}

/** The first picture waits so long for the early answer: a skeleton that is gone in a blink costs more than it shows. */
const PATIENCE_MS = 150

/** Once the early answer is there, or does not come soon. */
export async function soonAfterEarly(): Promise<void> {
  if (answered) await Promise.race([answered, new Promise((done) => setTimeout(done, PATIENCE_MS))])
}

/** When the early request was made; undefined when there is none, or somebody has it already. */
export function earlyAt(): number | undefined {
  return globalThis.runwatchEarly?.at
}

/** The early request, for the first who sends the very same one. Where it got no answer, it is sent again. */
export function takeEarly(body: string, signal: AbortSignal | undefined): Promise<Sent> | undefined {
  const early = globalThis.runwatchEarly
  if (early?.body !== body) return undefined
  globalThis.runwatchEarly = undefined
  signal?.addEventListener('abort', early.abort)
  return early.sent.catch((reason: unknown) => {
    if (signal?.aborted) throw reason
    return send(body, signal)
  })
}

/** Give it up, if it still waits: the page wants something else. */
export function dropEarly(): void {
  globalThis.runwatchEarly?.abort()
  globalThis.runwatchEarly = undefined
}
