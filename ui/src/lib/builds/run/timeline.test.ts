import { expect, test } from 'vitest'
import type { BuildStep } from '$lib/ipc/client'
import { barOf, wholeUsec } from './timeline'

const step = (more: Partial<BuildStep>): BuildStep => ({
  node: 0,
  stage: 0,
  line: 'RUN x',
  firstLine: 1,
  lastLine: 1,
  state: 'done',
  startUsec: 0,
  usec: 0,
  key: null,
  layer: null,
  exitCode: null,
  command: null,
  ...more,
})

test('steps that ran side by side lie above each other', () => {
  const steps = [step({ usec: 1_000 }), step({ startUsec: 500, usec: 500 })]
  const whole = wholeUsec(steps, 0)
  expect(whole).toBe(1_000)
  expect(steps.map((one) => barOf(one, whole, 0))).toEqual([
    { left: 0, width: 100 },
    { left: 50, width: 50 },
  ])
})

test('a running step reaches to now, and one that has not begun is not there', () => {
  expect(barOf(step({ startUsec: 200, usec: null, state: 'running' }), 1_000, 1_000)).toEqual({ left: 20, width: 80 })
  expect(barOf(step({ startUsec: null, state: 'waiting' }), 1_000, 1_000)).toBeNull()
})

test('no bar leaves the axis', () => {
  const bar = barOf(step({ startUsec: 1_000, usec: 0 }), 1_000, 0)
  expect((bar?.left ?? 0) + (bar?.width ?? 0)).toBeLessThanOrEqual(100)
})
