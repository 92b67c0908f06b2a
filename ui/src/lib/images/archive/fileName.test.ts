import { expect, test } from 'vitest'
import type { ImageSummary } from '$lib/ipc/client'
import { fileName } from './fileName'

const image = (...references: string[]): ImageSummary => ({ id: `sha256:${'ab'.repeat(32)}`, references }) as unknown as ImageSummary

test('a file is called like its image, without what a path must not have', () => {
  expect(fileName([image('ghcr.io/acme/web:2.1')])).toBe('web-2.1.tar')
  expect(fileName([image()])).toBe('sha256-abab-abab.tar')
  expect(fileName([image('a:1'), image('b:1')])).toBe('images-2.tar')
})
