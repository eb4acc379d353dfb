import { describe, expect, test } from 'vitest'
import type { LogLine } from './log-documents'
import { LiveLog, type LogPageAnswer, type LogSource } from './live-log'

const PAGE = 10
const line = (number: number): LogLine => ({ id: `l${number}`, at: String(1000 + number) }) as unknown as LogLine

class Server implements LogSource {
  all: LogLine[]
  follower: ((cursor: string, line: LogLine | null) => void) | null = null

  constructor(count: number) {
    this.all = Array.from({ length: count }, (_, number) => line(number))
  }

  async page({ after, before, fromEnd }: { after?: string; before?: string; fromEnd: boolean }): Promise<LogPageAnswer> {
    const index = (id: string): number => this.all.findIndex((each) => each.id === id)
    let from = after === undefined ? 0 : index(after) + 1
    let to = before === undefined ? this.all.length : index(before)
    if (fromEnd) from = Math.max(from, to - PAGE)
    else to = Math.min(to, from + PAGE)
    const lines = this.all.slice(from, to)
    return {
      lines,
      startCursor: lines[0]?.id ?? null,
      endCursor: lines.at(-1)?.id ?? null,
      hasBefore: from > 0,
      hasAfter: to < this.all.length,
      updatesCursor: String(this.all.length),
    }
  }

  follow(_: () => string, next: (cursor: string, line: LogLine | null) => void): () => void {
    this.follower = next
    return () => (this.follower = null)
  }

  shows(): boolean {
    return true
  }

  append(appended: LogLine): void {
    this.all.push(appended)
    this.all.sort((a, b) => Number(a.at) - Number(b.at))
    this.follower?.(String(this.all.length), appended)
  }
}

const numbers = (log: LiveLog): number[] => log.lines.map(({ id }) => Number(id.slice(1)))

describe('a live log', () => {
  test('opens at its end, and grows towards its beginning', async () => {
    const log = new LiveLog(new Server(25))
    await log.open(true)
    expect([numbers(log)[0], log.hasBefore, log.hasAfter]).toEqual([15, true, false])
    await log.before()
    await log.before()
    expect([log.lines.length, log.hasBefore]).toEqual([25, false])
    expect(numbers(log)).toEqual(Array.from({ length: 25 }, (_, number) => number))
  })

  test('shows what is appended, in the order of times, once', async () => {
    const server = new Server(3)
    const log = new LiveLog(server)
    await log.open(true)
    server.append(line(9))
    server.append(line(5)) // told late
    server.follower?.('x', line(9))
    expect(numbers(log)).toEqual([0, 1, 2, 5, 9])
    expect(log.fresh).toBe(2)
    log.seen()
    expect(log.fresh).toBe(0)
  })

  test('only counts what is appended behind pages that are not loaded', async () => {
    const server = new Server(25)
    const log = new LiveLog(server)
    await log.open(false)
    server.append(line(30))
    expect([log.lines.length, log.fresh]).toEqual([10, 1])
    await log.after()
    await log.after()
    expect(numbers(log).at(-1)).toBe(30)
  })

  test('is listed again when its cursor is too old', async () => {
    const server = new Server(3)
    const log = new LiveLog(server)
    await log.open(true)
    server.all.push(line(7))
    server.follower?.('y', null)
    await new Promise((done) => setTimeout(done))
    expect(numbers(log)).toEqual([0, 1, 2, 7])
  })
})
