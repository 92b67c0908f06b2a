import { beforeEach, expect, test } from 'vitest'
import { locale } from '$lib/shared/i18n/index.svelte'
import { container } from './container.fixture'
import { search, type Filter } from './filter'
import { cpuLimitPercent, NO_LIMITS } from './limits'
import { describe as describeState, portTexts } from './state'

beforeEach(() => {
  locale.current = 'en'
})

const exit = (code: number, oomKilled = false) => ({ code, oomKilled, atMs: 0, error: null })

test.each([
  ['running', { status: 'running' as const }, 'running'],
  ['runs and is well', { status: 'running' as const, health: 'healthy' as const }, 'running'],
  ['runs and is ill', { status: 'running' as const, health: 'unhealthy' as const }, 'failed'],
  ['frozen', { status: 'paused' as const }, 'paused'],
  ['is about to start again', { status: 'restarting' as const, exit: exit(1) }, 'pending'],
  ['never started', { status: 'created' as const }, 'created'],
  ['ended well', { status: 'stopped' as const, exit: exit(0) }, 'exited'],
  ['was asked to end', { status: 'stopped' as const, exit: exit(143) }, 'exited'],
  ['ended with an error', { status: 'stopped' as const, exit: exit(1) }, 'failed'],
  ['was killed for memory', { status: 'stopped' as const, exit: exit(137, true) }, 'failed'],
])('a container that %s has its own shape', (_, more, glyph) => {
  expect(describeState(container('web', more), 0).glyph).toBe(glyph)
})

test('IPv4 and IPv6 of one port are one line', () => {
  const port = { containerPort: 80, hostPort: 8080, protocol: 'tcp' as const }
  expect(portTexts([{ ...port, hostAddress: '0.0.0.0' }, { ...port, hostAddress: '::' }])).toEqual(['8080 → 80'])
  expect(portTexts([{ ...port, hostAddress: '127.0.0.1', protocol: 'udp' }])).toEqual(['127.0.0.1:8080 → 80/udp'])
})

const all = [container('web', { image: 'nginx:1.27' }), container('db', { status: 'stopped' })]
const finds: [Filter, string, string[]][] = [
  ['all', '', ['web', 'db']],
  ['running', '', ['web']],
  ['stopped', '', ['db']],
  ['all', 'NGINX web', ['web']],
  ['all', 'nginx db', []],
]

test.each(finds)('filter %s with "%s" finds %o', (filter, query, names) => {
  expect(search(all, filter, query).map(({ name }) => name)).toEqual(names)
})

test('a CPU limit is percent of one core, however it was set', () => {
  expect(cpuLimitPercent(NO_LIMITS)).toBeNull()
  expect(cpuLimitPercent({ ...NO_LIMITS, nanoCpus: 1_500_000_000 })).toBe(150)
  expect(cpuLimitPercent({ ...NO_LIMITS, cpuQuotaUsec: 25_000, cpuPeriodUsec: 50_000 })).toBe(50)
})
