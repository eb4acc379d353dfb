const PIECE = 512

/** Where each of many rows is, of which most have one height: the others are remembered as they are measured. Pure. */
export class RowHeights {
  private readonly extras = new Map<number, Map<number, number>>()
  private readonly sums = new Map<number, number>()

  constructor(
    readonly base: number,
    private count = 0,
  ) {}

  /** There are more rows now, or fewer. */
  resize(count: number): void {
    this.count = count
  }

  /** How far the row at a place begins from the top; of `count` itself: the height of all. */
  top(place: number): number {
    const piece = Math.floor(place / PIECE)
    let extra = 0
    for (const [at, sum] of this.sums) if (at < piece) extra += sum
    for (const [at, height] of this.extras.get(piece) ?? []) if (at < place) extra += height
    return place * this.base + extra
  }

  get total(): number {
    return this.top(this.count)
  }

  /** The place of the row at a distance from the top. */
  at(distance: number): number {
    let [low, high] = [0, Math.max(0, this.count - 1)]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.top(middle) <= distance) low = middle
      else high = middle - 1
    }
    return low
  }

  /** A row was measured; returns by how much it grew. */
  set(place: number, height: number): number {
    const piece = Math.floor(place / PIECE)
    const extra = height - this.base
    let extras = this.extras.get(piece)
    const grown = extra - (extras?.get(place) ?? 0)
    if (grown === 0) return 0
    if (!extras) this.extras.set(piece, (extras = new Map()))
    if (extra === 0) extras.delete(place)
    else extras.set(place, extra)
    this.sums.set(piece, (this.sums.get(piece) ?? 0) + grown)
    return grown
  }

  /** Another width: nothing that was measured holds. */
  clear(): void {
    this.extras.clear()
    this.sums.clear()
  }
}
