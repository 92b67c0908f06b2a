import { expect, test } from 'vitest'
import { DOCKERFILE_PROBLEMS, type DockerfileModel, type TextProblem } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { difference } from './editor'
import { diagnostics, explain } from './help'

test('every problem of a Dockerfile has a text in both languages, and no text is left over', () => {
  for (const { problems } of [en, ko]) expect(Object.keys(problems).sort()).toEqual([...DOCKERFILE_PROBLEMS].sort())
})

test('no text leaves out what it is about', () => {
  const values = new Proxy({}, { get: (_, name) => `<${String(name)}>`, has: () => true }) as Record<string, string>
  for (const { problems } of [en, ko])
    for (const text of Object.values(problems) as ((values: Record<string, string>) => string)[]) expect(text(values)).not.toContain('undefined')
})

test('only what changed is replaced', () => {
  expect(difference('FROM a\nRUN b\n', 'FROM a\nRUN c\n')).toEqual({ from: 11, to: 12, insert: 'c' })
  expect(difference('aa', 'aaa')).toEqual({ from: 2, to: 2, insert: 'a' })
  expect(difference('abc', '')).toEqual({ from: 0, to: 3, insert: '' })
})

test('a problem beyond the text, which was edited since, is not shown', () => {
  const problem = { code: 'empty', values: {}, message: 'x', isError: true, range: { start: 5, end: 9 }, line: 1, node: null, fix: null } as TextProblem
  expect(diagnostics([problem], 9, () => undefined)).toHaveLength(1)
  expect(diagnostics([problem], 8, () => undefined)).toHaveLength(0)
})

test('keywords and flags are explained where they stand', () => {
  const text = 'COPY --from=a /b /c'
  const model = {
    tokens: [
      { start: 0, end: 4, kind: 'keyword' },
      { start: 5, end: 13, kind: 'flag' },
    ],
    blocks: [{ node: 0, keyword: 'COPY', range: { start: 0, end: text.length } }],
  } as unknown as DockerfileModel
  expect(explain(model, text, 2)?.title).toBe('COPY')
  expect(explain(model, text, 8)?.title).toBe('--from')
  expect(explain(model, text, 16)).toBeNull()
})
