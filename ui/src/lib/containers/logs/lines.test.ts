import { expect, test } from 'vitest'
import { append, CAPACITY, cutAt, findAll, older, toLine } from './lines'

const line = (text: string, atMs = 0, atSubmsNs = 0) => ({ text, atMs, atSubmsNs, stream: 'stdout' as const })
const lines = (count: number, from = 0) => Array.from({ length: count }, (_, index) => toLine(line(`line ${from + index}\n`), from + index))

test('a line feed ends a line and is not part of it', () => {
  expect(toLine(line('text\r\n'), 0).raw).toBe('text')
})

test('the oldest lines go when there are too many', () => {
  const kept = append(lines(CAPACITY), lines(10, CAPACITY))
  expect(kept.length).toBeLessThanOrEqual(CAPACITY)
  expect(kept.at(-1)?.key).toBe(CAPACITY + 9)
})

test('lines that are here already do not come twice', () => {
  const first = toLine(line('first', 5, 400), 0)
  expect(older([line('a', 4, 900), line('b', 5, 399), line('first', 5, 400), line('c', 5, 401)], first).map(({ text }) => text)).toEqual(['a', 'b'])
})

test('search ignores case', () => {
  expect(findAll(lines(12), 'LINE 1')).toEqual([1, 10, 11])
  expect(findAll(lines(3), '')).toEqual([])
})

test('found places are cut out of the text', () => {
  expect(cutAt('an Error, an error', 'error')).toEqual(['an ', 'Error', ', an ', 'error', ''])
  expect(cutAt('text', '')).toEqual(['text'])
})
