import { expect, test } from 'vitest'
import type { Block } from '$lib/ipc/client'
import { draftOf, gist, PALETTE, wordOf } from './shape'

test('every instruction of the palette begins with something to say', () => {
  for (const keyword of PALETTE) expect(JSON.stringify(draftOf(keyword).said)).not.toBe('{}')
})

test('a card shows what follows the keyword', () => {
  const block = (line: string, keyword: string | null): Block => ({ line, keyword }) as Block
  expect(gist(block('RUN  a   b', 'RUN'))).toBe('a b')
  expect(wordOf(block('RNU x', null))).toBe('RNU')
})
