import { expect, test } from 'vitest'
import { highlightJson, prettyJson } from './json'

test('keys, strings and numbers are told apart', () => {
  const kinds = highlightJson('{"a": "b:", "n": -1.5e3, "t": true}').filter((token) => token.kind !== 'other')
  expect(kinds.map(({ kind, text }) => `${kind} ${text}`)).toEqual(['key "a"', 'string "b:"', 'key "n"', 'number -1.5e3', 'key "t"'])
})

test('the pieces put together are the text', () => {
  const text = prettyJson('{"quote":"\\"","list":[1,2,{}]}')
  expect(highlightJson(text).map((token) => token.text).join('')).toBe(text)
})

test('text that is no JSON stays', () => {
  expect(prettyJson('not json')).toBe('not json')
})
