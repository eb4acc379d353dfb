/** A text in pieces: where what is searched for occurs, in any case, and between. Pure. */
export function marked(text: string, search: string): { text: string; hit: boolean }[] {
  const wanted = search.toLowerCase()
  const lowered = text.toLowerCase()
  // Where lower case has another length (İ), places would be wrong: then nothing is marked.
  if (wanted === '' || lowered.length !== text.length) return [{ text, hit: false }]
  const parts: { text: string; hit: boolean }[] = []
  let from = 0
  for (let at = lowered.indexOf(wanted); at >= 0; at = lowered.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), hit: false })
    from = at + wanted.length
    parts.push({ text: text.slice(at, from), hit: true })
  }
  if (from < text.length || !parts.length) parts.push({ text: text.slice(from), hit: false })
  return parts
}
