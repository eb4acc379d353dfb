export interface Page {
  nodes: readonly unknown[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

export interface Paged<P extends Page> {
  rows: readonly P['nodes'][number][]
  /** The last page that was asked for. */
  last: P
  more: boolean
}

/** The rows of the first so many pages, one page asked for after the other. */
export async function firstPages<P extends Page>(count: number, load: (after: string | null) => Promise<P>): Promise<Paged<P>> {
  const rows: P['nodes'][number][] = []
  let after: string | null = null
  for (let left = count; ; ) {
    const last: P = await load(after)
    rows.push(...last.nodes)
    left -= 1
    after = last.pageInfo.endCursor
    const more = last.pageInfo.hasNextPage
    if (left <= 0 || !more) return { rows, last, more }
  }
}
