import { expect, test } from 'vitest'
import type { Sample } from '$lib/ipc/client'
import { chartModel, refreshMs } from './chart'

const sample = (more: Partial<Sample>): Sample => ({
  atMs: 0,
  cpuPercent: 0,
  throttledPercent: 0,
  memoryBytes: 0,
  cacheBytes: 0,
  memoryLimitBytes: null,
  blockReadBytesPerS: 0,
  blockWriteBytesPerS: 0,
  netInBytesPerS: 0,
  netOutBytesPerS: 0,
  pids: 1,
  pidsLimit: null,
  oomKills: 0,
  ...more,
})

test('writes go down and reads go up, on one scale', () => {
  const { ys, range } = chartModel('block', [sample({ blockReadBytesPerS: 10, blockWriteBytesPerS: 50_000 })], null)
  expect(ys).toEqual([[10], [-50_000]])
  expect(range[0]).toBe(-range[1])
})

test('a limit in sight belongs to the scale', () => {
  const { limit, range } = chartModel('cpu', [sample({ cpuPercent: 100 })], 150)
  expect(limit).toBe(150)
  expect(range[1]).toBeGreaterThan(150)
})

test('a limit far above the use does not flatten the line', () => {
  expect(chartModel('memory', [sample({ memoryBytes: 10_000_000, memoryLimitBytes: 1e12 })], null).limit).toBeNull()
})

test('an idle container draws a flat line, not noise', () => {
  expect(chartModel('cpu', [sample({ cpuPercent: 0.01 })], null).range[1]).toBeGreaterThan(5)
})

test('a long range is asked for less often', () => {
  expect([refreshMs(60), refreshMs(600), refreshMs(86_400)]).toEqual([1_000, 2_000, 288_000])
})
