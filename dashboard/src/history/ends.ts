const LONG = 24
const TAIL = 8
const LONGEST_TAIL = 14

/**
 * A long name in two parts, of which the second is never cut: names often differ at their end alone. It is the last word
 * where that is short, else a few letters.
 */
export function ends(name: string): [start: string, end: string | undefined] {
  if (name.length <= LONG) return [name, undefined]
  const word = Math.max(...[' ', '/', '.', ':', '_', '-'].map((separator) => name.lastIndexOf(separator)))
  const tail = name.length - word
  const cut = name.length - (tail >= 3 && tail <= LONGEST_TAIL ? tail : TAIL)
  const at = /[\udc00-\udfff]/.test(name[cut]!) ? cut + 1 : cut // not within a character of two units
  return [name.slice(0, at), name.slice(at)]
}
