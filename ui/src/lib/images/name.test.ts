import { expect, test } from 'vitest'
import type { ImageSummary } from '$lib/ipc/client'
import { hasUse, splitTag, USES } from './name'

test.each([
  ['nginx:1.27', 'nginx', ':1.27'],
  ['localhost:5000/app', 'localhost:5000/app', ''],
  ['localhost:5000/app:2', 'localhost:5000/app', ':2'],
  ['alpine', 'alpine', ''],
])('%s has the name %s and the tag "%s"', (reference, name, tag) => {
  expect(splitTag(reference)).toEqual({ name, tag })
})

test.each([
  [{ usedBy: ['web'], references: ['a:1'] }, 'all used'],
  [{ usedBy: [], references: ['a:1'] }, 'all unused'],
  [{ usedBy: [], references: [] }, 'all unused unnamed'],
])('an image belongs to the parts of the list that fit it: %j', (image, parts) => {
  expect(USES.filter((use) => hasUse(image as unknown as ImageSummary, use)).join(' ')).toBe(parts)
})
