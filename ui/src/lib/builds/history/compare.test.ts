import { expect, test } from 'vitest'
import type { BuildRecord, BuildStep } from '$lib/ipc/client'
import { compare } from './compare'

const record = (text: string, steps: [string, number | null][]): BuildRecord =>
  ({ dockerfile: text, steps: steps.map(([line, usec], node) => ({ node, line, usec }) as BuildStep) }) as BuildRecord

test('equal lines stand beside each other wherever they moved', () => {
  const now = record('new', [['FROM a', 1], ['RUN c', 70], ['RUN b', 10]])
  const old = record('old', [['FROM a', 1], ['RUN b', 30], ['RUN c', null], ['RUN d', 5]])
  const { pairs, gone, sameText } = compare(now, old)
  expect(pairs.map(({ step, before, slowerUsec }) => [step.line, before?.line ?? null, slowerUsec])).toEqual([
    ['FROM a', 'FROM a', 0],
    ['RUN c', 'RUN c', null],
    ['RUN b', 'RUN b', -20],
  ])
  expect(gone).toEqual(['RUN d'])
  expect(sameText).toBe(false)
})

test('the first build stands beside nothing', () => {
  expect(compare(record('x', [['FROM a', 1]]), null).pairs[0]?.before).toBeNull()
})
