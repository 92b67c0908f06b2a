import { expect, test } from 'vitest'
import { nameOf, numberOf, reaction } from './signals'

const signals = { caught: [2, 15], ignored: [1], blocked: [12], pending: [] }

test.each([
  [15, 1, 'caught'],
  [1, 1, 'ignored'],
  [12, 1, 'blocked'],
  [3, 1, 'defaultPid1'],
  [3, 8, 'defaultOther'],
  [9, 1, 'always'],
  [19, 1, 'always'],
] as const)('signal %i to process %i: %s', (number, insidePid, expected) => {
  expect(reaction({ insidePid, signals }, number)).toBe(expected)
})

test('signals are known by number and in any writing', () => {
  expect(['SIGTERM', 'term', '15', ' Sigusr1 ', 'nothing'].map(numberOf)).toEqual([15, 15, 15, 10, null])
  expect([15, 34, 37, 33].map(nameOf)).toEqual(['SIGTERM', 'SIGRTMIN', 'SIGRTMIN+3', '33'])
})
