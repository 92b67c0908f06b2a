import { expect, test } from 'vitest'
import { changedLimits, draftOf, liftedLimits, limitErrors } from './limitDraft'
import { NO_LIMITS } from './limits'

const before = draftOf({ ...NO_LIMITS, memoryBytes: 402_653_184, nanoCpus: 1_500_000_000 })

test('limits are shown in the units in which they are typed', () => {
  expect(before).toEqual({ memoryMiB: '384', cpus: '1.5', pids: '' })
})

test('only what differs is sent', () => {
  expect(changedLimits(before, { ...before, memoryMiB: '512' })).toEqual({ ...NO_LIMITS, memoryBytes: 536_870_912 })
})

test('a limit that is cleared is taken away, and a changed one replaced', () => {
  expect(liftedLimits(before, { ...before, memoryMiB: '' })).toEqual(['memory'])
  expect(liftedLimits(before, { ...before, cpus: '1', pids: '5' })).toEqual(['cpu'])
  expect(liftedLimits(before, before)).toEqual([])
})

test('what is no limit is told', () => {
  expect(limitErrors({ memoryMiB: '1', cpus: 'x', pids: '1.5' })).toEqual({ memoryMiB: 'memory', cpus: 'cpus', pids: 'pids' })
  expect(limitErrors({ memoryMiB: '', cpus: '', pids: '' })).toEqual({})
})
