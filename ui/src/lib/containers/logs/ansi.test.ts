import { expect, test } from 'vitest'
import { parseAnsi, plainText } from './ansi'

const span = (text: string, color: number | null = null, bold = false) => ({ text, color, bold })

test.each([
  ['plain', [span('plain')]],
  ['\u001b[31mred\u001b[0m after', [span('red', 1), span(' after')]],
  ['\u001b[1;92mbold green\u001b[m', [span('bold green', 2, true)]],
  ['\u001b[2Kcleared\u001b[1A', [span('cleared')]],
  ['\u001b]0;title\u0007text', [span('text')]],
  ['\u001b[38;5;200mpink', [span('pink')]],
])('%j is cut at its colors', (line, expected) => {
  expect(parseAnsi(line)).toEqual(expected)
})

test('search sees no escape sequence', () => {
  expect(plainText('\u001b[31merr\u001b[0mor')).toBe('error')
})
