/** How well a text fits what is typed: 3 begins with it, 2 has a word that does, 1 has it anywhere, 0 not at all. */
export function fit(text: string, typed: string): 0 | 1 | 2 | 3 {
  const looked = text.toLowerCase()
  const wanted = typed.trim().toLowerCase()
  const at = looked.indexOf(wanted)
  if (at < 0) return 0
  if (at === 0) return 3
  return looked.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted)) ? 2 : 1
}

/** The entries that fit, the best first; of equal ones those that are used more, else in their order. */
export function ranked<T extends { value: string; text: string }>(
  entries: readonly T[],
  typed: string,
  uses: Readonly<Record<string, number>>,
): T[] {
  const fitting = entries.map((entry) => ({ entry, fit: fit(entry.text, typed) })).filter((each) => each.fit > 0)
  const score = (each: { entry: T; fit: number }): number => each.fit * 1e6 + (uses[each.entry.value] ?? 0)
  return fitting.toSorted((one, other) => score(other) - score(one)).map(({ entry }) => entry)
}
