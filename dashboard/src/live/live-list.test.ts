import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ExecutionUpdate, RunRow } from '../filter/documents'
import { LiveList } from './live-list'
import type { Page, Source } from './source'

const row = (id: string, status: RunRow['status'] = 'PENDING'): RunRow => ({ id, status }) as unknown as RunRow

/** A server: what matches, in its order, and whoever follows it. */
class Server implements Source {
  all: RunRow[] = []
  asked: (string | null)[] = []
  follower: ((update: ExecutionUpdate) => void) | null = null
  followedFrom: string[] = []
  revision = 0
  fails: Error | null = null

  async page(first: number, after: string | null): Promise<Page> {
    this.asked.push(after)
    if (this.fails) throw this.fails
    const start = after === null ? 0 : this.all.findIndex((each) => each.id === after) + 1
    const rows = this.all.slice(start, start + first)
    const end = rows.at(-1)
    return {
      rows,
      updatesCursor: String(this.revision),
      endCursor: end?.id ?? null,
      hasNext: start + first < this.all.length,
    }
  }

  follow(cursor: () => string, next: (update: ExecutionUpdate) => void): () => void {
    this.followedFrom.push(cursor())
    this.follower = next
    return () => (this.follower = null)
  }

  tell(id: string | null, change: ExecutionUpdate['change'], matches = true): void {
    this.revision++
    const execution = change === 'DELETED' || id === null ? null : row(id, 'SUCCESS')
    this.follower?.({ cursor: String(this.revision), change, executionId: id, matches, execution } as ExecutionUpdate)
  }
}

const microtask = (work: () => void): number => {
  queueMicrotask(work)
  return 1
}
const settle = (): Promise<void> => new Promise((done) => setTimeout(done))

async function opened(count: number, newestFirst = true): Promise<[LiveList, Server]> {
  const server = new Server()
  server.all = Array.from({ length: count }, (_, number) => row(`r${number}`))
  const list = new LiveList(server, newestFirst, microtask)
  await list.open()
  await settle()
  return [list, server]
}

describe('a live list', () => {
  test('shows the first page and follows from its cursor', async () => {
    const [list, server] = await opened(120)
    expect(list.ids).toHaveLength(50)
    expect(list.hasNext).toBe(true)
    expect(server.followedFrom).toEqual(['0'])
  })

  test('goes on at the end of what is loaded', async () => {
    const [list] = await opened(120)
    await list.next()
    expect(list.ids).toHaveLength(120)
    expect(new Set(list.ids).size).toBe(120)
  })

  test('keeps newcomers waiting, and shows them when asked', async () => {
    const [list, server] = await opened(3)
    server.all.unshift(row('new'))
    server.tell('new', 'CREATED')
    expect([list.ids[0], list.waiting.size]).toEqual(['r0', 1])
    await list.reveal()
    expect([list.ids[0], list.waiting.size]).toEqual(['new', 0])
    expect(server.followedFrom.at(-1)).toBe('1')
  })

  test('changes a row in place, and tells its listeners alone', async () => {
    const [list, server] = await opened(3)
    const told: string[] = []
    list.subscribe(() => told.push('list'))
    list.subscribeRow('r1', () => told.push('r1'))
    list.subscribeRow('r2', () => told.push('r2'))
    server.tell('r1', 'UPDATED')
    server.tell('r1', 'FINISHED')
    await settle()
    expect(told).toEqual(['r1'])
    expect(list.row('r1')?.status).toBe('SUCCESS')
  })

  test('marks what is gone, and forgets a newcomer that is', async () => {
    const [list, server] = await opened(2)
    server.tell('r0', 'UPDATED', false)
    server.tell('r1', 'DELETED', false)
    server.tell('x', 'CREATED')
    server.tell('x', 'UPDATED', false)
    expect(Object.fromEntries(list.gone)).toEqual({ r0: 'unmatched', r1: 'deleted' })
    expect(list.ids).toEqual(['r0', 'r1'])
    expect(list.waiting.size).toBe(0)
    server.tell('r0', 'UPDATED')
    expect(list.gone.has('r0')).toBe(false)
  })

  test('takes nothing in while paused, and all of it afterwards', async () => {
    const [list, server] = await opened(1)
    list.pause()
    server.tell('r0', 'FINISHED')
    server.tell('new', 'CREATED')
    expect([list.row('r0')?.status, list.waiting.size, list.heldCount]).toEqual(['PENDING', 0, 2])
    list.resume()
    expect([list.row('r0')?.status, list.waiting.size, list.heldCount]).toEqual(['SUCCESS', 1, 0])
  })

  test('keeps the place of each row when it is asked again, lets newcomers wait, and marks what is missing', async () => {
    const [list, server] = await opened(120)
    await list.next()
    const [before, neverAsked] = [list.ids, list.resyncedAt]
    server.all = [row('new'), ...server.all.filter(({ id }) => id !== 'r3').map(({ id }) => row(id, 'SUCCESS'))]
    server.tell(null, 'RESYNC', false)
    await settle()
    expect([list.ids, [...list.waiting], Object.fromEntries(list.gone)]).toEqual([before, ['new'], { r3: 'unmatched' }])
    expect([list.row('r0')?.status, list.dropped, list.hasNext]).toEqual(['SUCCESS', 0, false])
    expect([neverAsked, typeof list.resyncedAt]).toEqual([null, 'number'])
    await list.reveal()
    expect(list.ids).toEqual(server.all.map(({ id }) => id))
  })

  test('is asked again for 500 rows at most, and says how many it drops', async () => {
    const [list, server] = await opened(700)
    for (let page = 0; page < 7; page++) await list.next()
    expect(list.ids).toHaveLength(700)
    server.tell(null, 'RESYNC', false)
    await settle()
    expect([list.ids.length, list.dropped, list.hasNext]).toEqual([500, 200, true])
    await list.next()
    await list.next()
    expect(list.ids).toEqual(server.all.map(({ id }) => id))
  })

  test('keeps what is loaded below the newcomers that it shows', async () => {
    const [list, server] = await opened(700)
    for (let page = 0; page < 7; page++) await list.next()
    const pages = server.asked.length
    for (const id of ['n1', 'n2']) {
      server.all.unshift(row(id))
      server.tell(id, 'CREATED')
    }
    const cursor = server.revision
    await list.reveal()
    expect(server.asked.length).toBe(pages + 1)
    expect(list.ids).toEqual(server.all.map(({ id }) => id))
    expect([list.hasNext, list.waiting.size, server.followedFrom.at(-1)]).toEqual([false, 0, String(cursor)])
  })

  test('starts anew when the newcomers are more than it asks for at once', async () => {
    const [list, server] = await opened(60)
    server.all = [...Array.from({ length: 600 }, (_, number) => row(`n${number}`)), ...server.all]
    for (const { id } of server.all.slice(0, 600)) server.tell(id, 'CREATED')
    await list.reveal()
    expect(list.ids).toEqual(server.all.slice(0, 500).map(({ id }) => id))
    expect([list.hasNext, list.waiting.size]).toEqual([true, 0])
  })

  test('in another order says that something changed, and asks for all that was loaded when it sorts again', async () => {
    const [list, server] = await opened(150, false)
    await list.next()
    expect([list.outOfOrder, list.ids.length]).toEqual([false, 150])
    server.tell('r7', 'FINISHED')
    expect(list.outOfOrder).toBe(true)
    server.all.reverse()
    await list.reveal()
    expect(list.outOfOrder).toBe(false)
    expect(list.ids).toEqual(server.all.map(({ id }) => id))
  })

  test('shows a run of its own as the updates have it, whichever of both comes first', async () => {
    const [list, server] = await opened(1)
    server.tell('mine', 'FINISHED')
    list.insert(row('mine'))
    expect([list.ids[0], list.row('mine')?.status, list.waiting.size]).toEqual(['mine', 'SUCCESS', 0])
    list.insert(row('other'))
    server.tell('other', 'FINISHED')
    list.insert(row('other'))
    expect([list.ids[0], list.row('other')?.status]).toEqual(['other', 'SUCCESS'])
  })

  test('keeps its rows when the server fails, and says why', async () => {
    const [list, server] = await opened(2)
    server.fails = new Error('down')
    await list.reveal()
    expect(list.ids).toHaveLength(2)
    expect(list.error?.code).toBe('UNEXPECTED')
    server.fails = null
    await list.reveal()
    expect(list.error).toBeNull()
  })

  test('is what the server has once everything was shown, whatever has happened', async () => {
    const event = fc.record({ id: fc.integer({ min: 0, max: 8 }), kind: fc.constantFrom('CREATED', 'UPDATED', 'DELETED') })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
        const [list, server] = await opened(4)
        for (const { id, kind } of events) {
          const name = `r${id}`
          const there = server.all.some((each) => each.id === name)
          if (kind === 'DELETED') server.all = server.all.filter((each) => each.id !== name)
          else if (!there) server.all.unshift(row(name))
          server.tell(name, kind as 'CREATED', kind !== 'DELETED')
        }
        const shown = list.ids.filter((id) => !list.gone.has(id))
        expect(new Set([...shown, ...list.waiting])).toEqual(new Set(server.all.map((each) => each.id)))
        await list.reveal()
        expect(list.ids).toEqual(server.all.map((each) => each.id))
      }),
    )
  })
})
