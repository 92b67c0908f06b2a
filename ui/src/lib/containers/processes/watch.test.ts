import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { container } from '../container.fixture'
import { SignalWatch } from './watch.svelte'

beforeEach(() => vi.useFakeTimers({ now: 100_000 }))
afterEach(() => vi.useRealTimers())

const kinds = (watch: SignalWatch) => watch.entries.map(({ kind }) => kind).reverse()
const ended = (code: number) => container('web', { status: 'stopped', exit: { code, oomKilled: false, atMs: Date.now(), error: null } })

test('a process that handles the signal and goes on is told as alive', () => {
  const watch = new SignalWatch()
  watch.sent('SIGHUP', false)
  vi.advanceTimersByTime(2_000)
  watch.follow(container('web'))
  expect(kinds(watch)).toEqual(['sent', 'alive'])
})

test('a stop that is not heard is told until the kill', () => {
  const watch = new SignalWatch()
  watch.stopping('SIGTERM', 3)
  vi.advanceTimersByTime(3_050)
  watch.follow(ended(137))
  expect(kinds(watch)).toEqual(['stopping', 'waiting', 'killed', 'ended'])
  expect(watch.entries[0]).toMatchObject({ code: 137, afterMs: 3_050 })
})

test('a stop that is heard has no kill', () => {
  const watch = new SignalWatch()
  watch.stopping('SIGTERM', 10)
  vi.advanceTimersByTime(400)
  watch.follow(ended(143))
  vi.advanceTimersByTime(20_000)
  expect(kinds(watch)).toEqual(['stopping', 'ended'])
})
