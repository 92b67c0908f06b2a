import { expect, test } from 'vitest'
import { kindOf, layoutTimeline, tickDistance } from './layout'

const step = (name: string, startUsec: number, endUsec: number) => ({ name, startUsec, endUsec, detail: '' })

test.each([
  ['resolve image', 'records'],
  ['mount overlay', 'files'],
  ['pivot_root', 'files'],
  ['cgroup create', 'cgroup'],
  ['clone3', 'namespaces'],
  ['network veth pair', 'network'],
  ['capabilities', 'security'],
  ['seccomp', 'security'],
  ['execve', 'program'],
  ['plan', 'records'],
  ['credentials', 'security'],
  ['id maps', 'namespaces'],
  ['setns', 'namespaces'],
  ['join cgroups', 'cgroup'],
  ['masks', 'files'],
])('%s belongs to %s', (name, kind) => {
  expect(kindOf(name)).toBe(kind)
})

test('bars stand in the order of their start, on one scale', () => {
  const { bars, totalUsec } = layoutTimeline([step('b', 500, 1_000), step('a', 0, 500)])
  expect(totalUsec).toBe(1_000)
  expect(bars.map(({ step: { name }, left, width }) => [name, left, width])).toEqual([['a', 0, 50], ['b', 50, 50]])
})

test('ticks are round and few', () => {
  expect([1, 9, 82, 6_750, 2_500_000].map(tickDistance)).toEqual([1, 2, 20, 1_000, 500_000])
  expect(layoutTimeline([step('a', 0, 6_750)]).ticksUsec).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000])
})

test('no step is no error', () => {
  expect(layoutTimeline([]).bars).toEqual([])
})
