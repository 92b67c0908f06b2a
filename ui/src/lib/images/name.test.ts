import { expect, test } from 'vitest'
import { splitTag } from './name'

test.each([
  ['nginx:1.27', 'nginx', ':1.27'],
  ['localhost:5000/app', 'localhost:5000/app', ''],
  ['localhost:5000/app:2', 'localhost:5000/app', ':2'],
  ['alpine', 'alpine', ''],
])('%s has the name %s and the tag "%s"', (reference, name, tag) => {
  expect(splitTag(reference)).toEqual({ name, tag })
})
