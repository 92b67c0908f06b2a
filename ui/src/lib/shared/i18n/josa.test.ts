import { expect, test } from 'vitest'
import { josa, type Josa } from './josa'

const cases: [string, Josa, string][] = [
  ['볼륨', '을/를', '볼륨을'],
  ['컨테이너', '을/를', '컨테이너를'],
  ['이미지', '이/가', '이미지가'],
  ['터미널', '으로/로', '터미널로'],
  ['볼륨', '으로/로', '볼륨으로'],
  ['web-1', '은/는', 'web-1은'],
  ['web-2', '은/는', 'web-2는'],
  ['nginx:1.27', '과/와', 'nginx:1.27과'],
  ['nginx', '을/를', 'nginx를'],
  ['alpine', '이/가', 'alpine가'],
  ['“볼륨”', '을/를', '“볼륨”을'],
  ['', '을/를', '를'],
]

test.each(cases)('%s takes %s as %s', (word, pair, expected) => {
  expect(josa(word, pair)).toBe(expected)
})
