/** Whether the server can do its work, and if not why, by its own word. Rejects when nobody answers. */
export async function readiness(signal: AbortSignal): Promise<{ ready: boolean; reasons: string[] }> {
  const answer = await fetch('/health/ready', { signal, cache: 'no-store' })
  const { reasons = [] } = (await answer.json()) as { reasons?: string[] }
  return { ready: answer.ok, reasons }
}
