import { expect, test } from 'vitest'
import type { LimitEvents } from '$lib/ipc/client'
import { newEvents, withEvents } from './events'

const none: LimitEvents = { throttledPeriods: 0, throttledUsec: 0, memoryLimitHits: 0, oomKills: null, refusedForks: 0 }

test('only a counter that rose tells of something', () => {
  const after = { ...none, throttledPeriods: 4, oomKills: 2, refusedForks: 0 }
  expect(newEvents(none, after, 9)).toEqual([{ atMs: 9, kind: 'throttledPeriods', count: 4 }])
  expect(newEvents(after, none, 9)).toEqual([])
})

test('the same thing again soon is counted in one line', () => {
  const first = withEvents([], [{ atMs: 1_000, kind: 'throttledPeriods', count: 3 }])
  const soon = withEvents(first, [{ atMs: 2_000, kind: 'throttledPeriods', count: 4 }])
  expect(soon).toEqual([{ atMs: 1_000, kind: 'throttledPeriods', count: 7 }])
  expect(withEvents(soon, [{ atMs: 60_000, kind: 'throttledPeriods', count: 1 }])).toHaveLength(2)
})
