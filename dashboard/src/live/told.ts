type Listener = () => void

/**
 * Tells listeners what has changed, at most once a frame. A row has listeners of its own: an update of one of ten
 * thousand rows costs one render.
 */
export class Told {
  /** Grows whenever something but a single row has changed. */
  version = 0

  private readonly listeners = new Set<Listener>()
  private readonly rowListeners = new Map<string, Set<Listener>>()
  private readonly changedRows = new Set<string>()
  private listChanged = false
  private frame = 0
  private muted = false

  constructor(private readonly schedule: (work: () => void) => number = (work) => requestAnimationFrame(work)) {}

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  subscribeRow = (id: string, listener: Listener): (() => void) => {
    let listeners = this.rowListeners.get(id)
    if (!listeners) this.rowListeners.set(id, (listeners = new Set()))
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.rowListeners.delete(id)
    }
  }

  protected changed(): void {
    this.listChanged = true
    this.touch()
  }

  protected changedRow(id: string): void {
    this.changedRows.add(id)
    this.touch()
  }

  protected changedAllRows(): void {
    for (const id of this.rowListeners.keys()) this.changedRows.add(id)
    this.touch()
  }

  /** Tell at once, and not with the next frame. */
  protected tellNow(): void {
    if (!this.muted) this.tell()
  }

  protected mute(): void {
    this.muted = true
  }

  private touch(): void {
    if (this.frame !== 0 || this.muted) return
    this.frame = this.schedule(() => this.tell())
  }

  private tell(): void {
    this.frame = 0
    const rows = [...this.changedRows]
    this.changedRows.clear()
    for (const id of rows) for (const listener of this.rowListeners.get(id) ?? []) listener()
    if (!this.listChanged) return
    this.listChanged = false
    this.version++
    for (const listener of this.listeners) listener()
  }
}
