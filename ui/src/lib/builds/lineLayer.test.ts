import { expect, test } from 'vitest'
import type { Block, BuildRecord, BuildStep } from '$lib/ipc/client'
import { placeOf } from './lineLayer'

const block = (node: number, line: string, more: Partial<Block> = {}): Block =>
  ({ node, line, keyword: line.split(' ')[0] ?? '', stage: 0, makesLayer: true, ...more }) as Block

const step = (node: number, line: string, chainId: string | null): BuildStep =>
  ({ node, line, stage: 0, state: 'done', layer: chainId === null ? null : { chainId, digest: '', sizeBytes: 1 } }) as BuildStep

const built = {
  summary: { image: 'sha256:i' },
  steps: [step(0, 'FROM a', null), step(1, 'RUN x', 'c2'), step(2, 'RUN x', 'c3'), step(3, 'CMD y', null), step(4, 'COPY a b', 'elsewhere')],
} as unknown as BuildRecord
const chains = ['c1', 'c2', 'c3']

test('a line leads to its layer, and equal lines to their own', () => {
  expect(placeOf(built, block(1, 'RUN x'), chains)).toEqual({ kind: 'layer', layer: 1, stale: false })
  expect(placeOf(built, block(2, 'RUN x'), chains)).toEqual({ kind: 'layer', layer: 2, stale: false })
})

test('a line that was edited still leads to what it made, and says so', () => {
  expect(placeOf(built, block(1, 'RUN z'), chains)).toEqual({ kind: 'layer', layer: 1, stale: true })
})

test('what makes no layer, and what is in no layer of the image, say so', () => {
  expect(placeOf(built, block(3, 'CMD y', { makesLayer: false }), chains)).toEqual({ kind: 'noLayer' })
  expect(placeOf(built, block(4, 'COPY a b'), chains)).toEqual({ kind: 'otherStage' })
  expect(placeOf(built, block(0, 'FROM a', { makesLayer: false }), chains)).toEqual({ kind: 'base', layers: 1 })
  expect(placeOf(null, block(1, 'RUN x'), [])).toEqual({ kind: 'notBuilt' })
})
