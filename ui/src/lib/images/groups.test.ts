import { expect, test } from 'vitest'
import type { ImageSummary } from '$lib/ipc/client'
import { groups, rowsOf } from './groups'

const image = (id: string, createdAtMs: number, ...references: string[]): ImageSummary => ({ id, createdAtMs, references }) as unknown as ImageSummary
const rows = (...images: ImageSummary[]) => rowsOf(groups(images, (a, b) => a.localeCompare(b))).map((row) => (row.kind === 'group' ? `[${row.repository}]` : row.image.id))

test('images of one repository stand together, the newest first', () => {
  expect(rows(image('old', 1, 'app:1'), image('other', 5, 'base:1'), image('new', 2, 'app:2'))).toEqual(['[app]', 'new', 'old', 'other'])
})

test('an image alone has no head, and a port is no tag', () => {
  expect(rows(image('a', 1, 'localhost:5000/app:1'), image('b', 1, 'localhost:5001/app:1'))).toEqual(['a', 'b'])
})

test('images without a name come last, under a head of their own', () => {
  expect(rows(image('lost', 9), image('a', 1, 'zebra:1'))).toEqual(['a', '[]', 'lost'])
})
