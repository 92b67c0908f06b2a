import { expect, test } from 'vitest'
import type { Block, StepForecast, StepReason } from '$lib/ipc/client'
import { explanation, reasonText } from './reason'

const blocks = [{ line: 'FROM a' }, { line: 'RUN one' }] as Block[]
const part = (name: string, before: string | null, after: string | null): StepReason => ({ kind: 'part', name, before, after })

test('a reason names what changed', () => {
  expect(reasonText({ kind: 'below', node: 1 }, blocks)).toContain('RUN one')
  expect(reasonText(part('env PORT', '1', '2'), blocks)).toContain('PORT')
  expect(reasonText(part('user', null, 'app'), blocks)).toBe('The user is new.')
  expect(reasonText(part('user', 'app', null), blocks)).toBe('The user is gone.')
  expect(reasonText({ kind: 'files', total: 146, changed: 1, files: [] }, blocks)).toContain('1 of the 146 files')
})

test('every fate is explained', () => {
  for (const fate of ['cached', 'runs', 'settings', 'unneeded', 'fails', 'unknown'] as const) {
    const { title, text } = explanation({ fate, reason: null } as StepForecast, blocks)
    expect([title, text].every((words) => words.length > 3)).toBe(true)
  }
})
