import { expect, test } from 'vitest'
import { changes } from './changes'

const told = (before: string, after: string): string => changes(before, after).map(({ kind, text }) => ({ gone: '-', come: '+', stays: ' ' })[kind] + text).join('|')

test('only what differs is told, and what stays in between', () => {
  expect(told('a\nb\nc', 'a\nB\nc')).toBe('-b|+B')
  expect(told('a\nb', 'a\nb')).toBe('')
})

test('a line that moves stays one line', () => {
  expect(told('F\nCOPY . .\n# why\nRUN i\nX', 'F\nCOPY p ./\n# why\nRUN i\nCOPY . .\nX')).toBe('-COPY . .|+COPY p ./| # why| RUN i|+COPY . .')
})
