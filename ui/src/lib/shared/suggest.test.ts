import { expect, test } from 'vitest'
import { matching } from './suggest'

const names = ['alpine:3.20', 'my/alpine', 'busybox', 'busybox']

test.each([
  ['', ['alpine:3.20', 'my/alpine', 'busybox']],
  ['ALP', ['alpine:3.20', 'my/alpine']],
  ['pine', ['alpine:3.20', 'my/alpine']],
  ['my', ['my/alpine']],
  ['busybox', []],
])('%s suggests %j', (typed, expected) => {
  expect(matching(names, typed)).toEqual(expected)
})
