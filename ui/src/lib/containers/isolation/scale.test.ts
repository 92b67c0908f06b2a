import { expect, test } from 'vitest'
import { change, limitAt, positionOf, share, STEPS } from './scale'

const MIB = 1_048_576
const MACHINE = { memory: 16_384 * MIB, cpu: 2e9, pids: 4_194_304 }

test.each(['memory', 'cpu', 'pids'] as const)('%s goes from the least to the machine, then to no limit', (kind) => {
  const at = (position: number) => limitAt(kind, position, MACHINE[kind])
  expect(at(STEPS)).toBeNull()
  const values = Array.from({ length: STEPS - 4 }, (_, position) => at(position) ?? Infinity)
  expect(values).toEqual(values.toSorted((a, b) => a - b))
  expect(at(STEPS - 4)).toBe(Math.min(MACHINE[kind], kind === 'pids' ? 32_768 : Infinity))
})

test('a limit stands where a thumb would have set it', () => {
  for (const position of [0, 20, 77, 150, 196, STEPS]) {
    const limit = limitAt('memory', position, MACHINE.memory)
    expect(Math.abs(positionOf('memory', limit, MACHINE.memory) - position)).toBeLessThanOrEqual(2)
  }
})

test('the use and the limit are on one scale', () => {
  expect(share('pids', 0, MACHINE.pids)).toBe(0)
  const half = share('memory', 256 * MIB, MACHINE.memory)
  expect(half * STEPS).toBeCloseTo(positionOf('memory', 256 * MIB, MACHINE.memory), 0)
})

test('a limit can be taken away, and a new one replaces one in other words', () => {
  expect(change('cpu', null)).toMatchObject({ limits: { nanoCpus: null }, lift: ['cpu'] })
  expect(change('cpu', 5e8)).toMatchObject({ limits: { nanoCpus: 5e8, memoryBytes: null }, lift: ['cpu'] })
})
