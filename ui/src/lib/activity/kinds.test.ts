import { expect, test } from 'vitest'
import type { Activity } from '$lib/ipc/client'
import { inOrder } from './kinds'

const activity = (id: string, state: Activity['state'], startedAtMs: number, finishedAtMs: number | null = null): Activity => ({
  id,
  state,
  startedAtMs,
  finishedAtMs,
  kind: 'pull',
  subject: id,
  progress: null,
  error: null,
  pull: null,
})

test('running work comes first, then what ended last', () => {
  const all = [activity('old', 'succeeded', 1, 2), activity('late', 'failed', 1, 9), activity('now', 'running', 0)]
  expect(inOrder(all).map(({ id }) => id)).toEqual(['now', 'late', 'old'])
})
