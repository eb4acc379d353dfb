/** The multiple of `by` next to a value, upwards or downwards, within bounds. Pure. */
export function stepped(value: number, by: number, up: boolean, min: number, max: number): number {
  const steps = value / by
  const next = (up ? Math.floor(steps) + 1 : Math.ceil(steps) - 1) * by
  return Math.min(max, Math.max(min, next))
}
