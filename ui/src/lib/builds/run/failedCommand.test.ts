import { expect, test } from 'vitest'
import { typed } from './failedCommand'

test('what a shell was given is typed as it stands', () => {
  expect(typed(['/bin/sh', '-c', 'ls /nowhere && echo "x"'])).toBe('ls /nowhere && echo "x"')
  expect(typed(['/bin/bash', '-o', 'pipefail', '-ec', 'a | b'])).toBe('a | b')
})

test('a program and its arguments are quoted for a shell', () => {
  expect(typed(['make', 'all', "it's", '$HOME', ''])).toBe(`make all 'it'\\''s' '$HOME' ''`)
})
