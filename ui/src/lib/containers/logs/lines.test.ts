import { expect, test } from 'vitest'
import { cutAt, numbers, placeOf, plain, toLine } from './lines'

const line = (text: string) => ({ text, atMs: 5, atSubmsNs: 0, stream: 'stdout' as const })

test('a line feed ends a line and is not part of it', () => {
  expect(toLine(line('text\r\n'), 0).raw).toBe('text')
  expect(plain(toLine(line('\u001b[31mred\u001b[0m\n'), 0))).toBe('red')
})

test('a million numbers are a list without being made', () => {
  const list = numbers(7, 1_000_007)
  expect([list.length, list[0], list[999_999], list[1_000_000]]).toEqual([1_000_000, 7, 1_000_006, undefined])
  expect([...numbers(3, 6)]).toEqual([3, 4, 5])
  expect(numbers(4, 4)).toHaveLength(0)
})

test('a number is found among those that grow, or its place is', () => {
  expect([2, 3, 9, 11].map((number) => placeOf(number, [3, 5, 9]))).toEqual([0, 0, 2, 3])
})

test('found places are cut out of the text', () => {
  expect(cutAt('an Error, an error', 'error')).toEqual(['an ', 'Error', ', an ', 'error', ''])
  expect(cutAt('text', '')).toEqual(['text'])
})
