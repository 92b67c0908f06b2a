import { expect, test } from 'vitest'
import { splitCommand } from './words'

test.each([
  ['', []],
  ['  sh  -c ', ['sh', '-c']],
  [`sh -c 'echo "a b"'`, ['sh', '-c', 'echo "a b"']],
  ['a\\ b "c\\"d"', ['a b', 'c"d']],
  [`'a\\b'`, ['a\\b']],
  ['echo ""', ['echo', '']],
  ['echo "still typing', ['echo', 'still typing']],
])('%j is split into %j', (text, words) => {
  expect(splitCommand(text)).toEqual(words)
})
