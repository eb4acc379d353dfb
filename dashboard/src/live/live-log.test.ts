import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LiveLog, type LogAnswer, type LogSource, PAGE, type Where } from './live-log'
import type { Level, LogLine } from './log-documents'

const LEVELS: Level[] = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL']
const line = (at: number, level: Level = 'INFO'): LogLine => ({ id: `l${at}`, at: String(1_000_000 + at), level, number: null }) as unknown as LogLine

/** A log of INFO lines, of which every tenth is an ERROR. */
class Server implements LogSource {
  all: LogLine[]
  asked: Where[] = []
  follower: ((cursor: string, lines: readonly LogLine[] | null) => void) | null = null

  constructor(count: number, readonly levels: readonly Level[] = LEVELS) {
    this.all = Array.from({ length: count }, (_, at) => line(at * 10, at % 10 === 9 ? 'ERROR' : 'INFO'))
  }

  get whole(): boolean {
    return this.levels.length === LEVELS.length
  }

  private listed: { of: LogLine[]; list: LogLine[] } | null = null

  get list(): LogLine[] {
    if (this.listed?.of !== this.all) {
      const list = this.all.map((each, at) => ({ ...each, number: at + 1 })).filter(({ level }) => this.levels.includes(level))
      this.listed = { of: this.all, list }
    }
    return this.listed.list
  }

  async page(where: Where, size: number, counts: boolean): Promise<LogAnswer> {
    this.asked.push(where)
    const { list } = this
    let from = 0
    if ('skip' in where) from = where.skip
    else if ('end' in where) from = Math.max(0, list.length - size)
    else from = Math.max(0, list.findIndex(({ id }) => id === where.around) - size / 2)
    const counted = counts && Object.fromEntries(LEVELS.map((level) => [level, this.all.filter((each) => each.level === level).length]))
    return {
      lines: list.slice(from, from + size),
      offset: from,
      counts: counted as Record<Level, number> | null,
      atLeast: false,
      updatesCursor: String(this.all.length),
    }
  }

  follow(_: () => string, next: Server['follower']): () => void {
    this.follower = next
    return () => (this.follower = null)
  }

  counts(): boolean {
    return true
  }

  shows({ level }: { level: Level }): boolean {
    return this.levels.includes(level)
  }

  append(...lines: LogLine[]): void {
    this.all = [...this.all, ...lines].toSorted((a, b) => Number(a.at) - Number(b.at))
    this.follower?.(String(this.all.length), lines)
  }
}

const shown = (log: LiveLog, from: number, to: number): (string | undefined)[] => Array.from({ length: to - from }, (_, at) => log.line(from + at)?.id)
const settled = (): Promise<void> => new Promise((done) => setTimeout(done))

describe('a log of 100,000 lines', () => {
  test('is as long as it is from the start, and opens at its end with one request', async () => {
    const server = new Server(100_000)
    const log = new LiveLog(server)
    expect(await log.open({ end: true })).toBe(99_999)
    expect([log.total, log.counts!.ERROR]).toEqual([100_000, 10_000])
    expect(log.line(99_999)).toMatchObject({ id: 'l999990', number: 100_000 })
    expect([log.line(50_000), server.asked.length]).toEqual([undefined, 1])
  })

  test('opens around a line, and loads what is looked at with what is around', async () => {
    const server = new Server(100_000)
    const log = new LiveLog(server)
    expect(await log.open({ around: 'l500000' })).toBe(50_000)
    log.look(49_990, 50_020)
    expect(server.asked).toHaveLength(1)
    log.look(20_000, 20_030)
    log.look(20_005, 20_035) // within what is under way
    await settled()
    expect(server.asked.slice(1)).toEqual([{ skip: 19_500 }])
    expect(shown(log, 20_000, 20_002)).toEqual(['l200000', 'l200010'])
    log.look(20_490, 20_520) // goes on where the known lines end
    await settled()
    expect(server.asked.at(-1)).toEqual({ skip: 20_500 })
  })

  test('keeps twenty pieces, those near to what is looked at', async () => {
    const log = new LiveLog(new Server(100_000))
    await log.open({ end: true })
    for (let at = 0; at < 60_000; at += PAGE) {
      log.look(at, at + 30)
      await settled()
    }
    const known = Array.from({ length: 100 }, (_, piece) => log.line(piece * PAGE + 10)).filter(Boolean)
    expect(known.length).toBeLessThanOrEqual(20)
    expect([log.line(59_000)?.id, log.line(10)]).toEqual(['l590000', undefined])
  })

  test('finds the place of a line in a filtered list', async () => {
    const server = new Server(100_000, ['ERROR', 'FATAL'])
    const log = new LiveLog(server)
    await log.open({ end: true })
    expect(log.total).toBe(10_000)
    expect(await log.locate('l90', 10)).toBe(0)
    expect(log.line(0)).toMatchObject({ number: 10 })
    const whole = new LiveLog(new Server(100_000))
    await whole.open({ end: true })
    expect(await whole.locate('l500000', 50_001)).toBe(50_000)
  })
})

test('what is appended, late or not, is put where it belongs, and counted once', async () => {
  const server = new Server(5)
  const log = new LiveLog(server)
  await log.open({ end: true })
  server.append(line(100, 'ERROR'), line(25))
  expect(shown(log, 0, 7)).toEqual(['l0', 'l10', 'l20', 'l25', 'l30', 'l40', 'l100'])
  expect([log.total, log.fresh, log.counts!.ERROR, log.line(6)!.number]).toEqual([7, 2, 1, 7])
  log.seen()
  expect(log.fresh).toBe(0)
  expect(shown(log, 7, 8)).toEqual([undefined])
})

test('a late line behind what is known makes places be read again', async () => {
  const server = new Server(10_000)
  const log = new LiveLog(server)
  await log.open({ skip: 0 })
  server.append(line(1_000_000))
  log.look(0, 30)
  await settled()
  expect(server.asked).toHaveLength(1) // it came last: no place has moved
  server.append(line(5))
  log.look(0, 30)
  await settled()
  expect(shown(log, 0, 3)).toEqual(['l0', 'l5', 'l10'])
  expect(log.total).toBe(10_002)
})

test('is listed again when its cursor is too old, and asks again after a failure', async () => {
  const server = new Server(3)
  const log = new LiveLog(server)
  await log.open({ end: true })
  server.all = [...server.all, line(70)]
  server.follower?.('y', null)
  await settled()
  expect(shown(log, 0, 4)).toEqual(['l0', 'l10', 'l20', 'l70'])
  const { page } = server
  server.page = () => Promise.reject(new Error('away'))
  const broken = new LiveLog(server)
  await broken.open({ end: true })
  expect(broken.error?.code).toBe('UNEXPECTED')
  server.page = page
  broken.again()
  await settled()
  expect([broken.error, broken.total]).toEqual([null, 4])
})

test('whatever is appended and looked at, in the end it is the log of the server', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(60_000), fc.nat(4_000)), { maxLength: 12 }), async (deeds) => {
      const server = new Server(4_000)
      const log = new LiveLog(server)
      await log.open({ skip: 0 })
      const times = new Set(server.all.map(({ at }) => at))
      for (const [at, place] of deeds) {
        const late = line(at)
        if (!times.has(late.at)) server.append(late)
        times.add(late.at)
        log.look(place, place + 20)
        await settled()
      }
      log.look(0, log.total)
      for (let round = 0; round < 9; round++) {
        await settled()
        log.look(0, log.total)
      }
      expect(shown(log, 0, log.total)).toEqual(server.list.map(({ id }) => id))
    }),
    { numRuns: 40 },
  )
})
