import { expect, test } from 'vitest'
import { container } from '$lib/containers/container.fixture'
import { NO_LIMITS } from '$lib/containers/limits'
import { nextSteps } from './next'

const whats = (...containers: Parameters<typeof nextSteps>[0][number][]) => nextSteps(containers).map(({ what, container }) => `${what} ${container.name}`)

test('what failed comes first', () => {
  const job = container('job', { status: 'stopped', exit: { code: 3, oomKilled: false, atMs: 1, error: null } })
  expect(whats(container('web'), job)).toEqual(['readLog job', 'limitMemory web', 'lookInside web', 'signals web'])
})

test('a container that has a memory limit needs none', () => {
  const web = container('web', { limits: { ...NO_LIMITS, memoryBytes: 1 } })
  expect(whats(web)).toEqual(['lookInside web', 'signals web', 'timeline web'])
})

test('without one that runs, one can be started', () => {
  expect(whats(container('new', { status: 'created', startedAtMs: null }))).toEqual(['start new'])
})
