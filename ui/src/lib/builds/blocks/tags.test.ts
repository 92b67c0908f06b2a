import { expect, test } from 'vitest'
import { repositoryOf } from './tags'

test('tags are looked for once there is a colon that is no port', () => {
  expect(repositoryOf('alpine:')).toBe('alpine')
  expect(repositoryOf('localhost:5000/a/b:1.')).toBe('localhost:5000/a/b')
  for (const none of ['alpine', 'localhost:5000/a', ':x', 'a@sha256:ab', 'a:$TAG', 'a b:']) expect(repositoryOf(none)).toBeNull()
})
