import { expect, test } from 'vitest'
import { steady } from './steady'

const row = (id: string, value = 0) => ({ id, value })
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).join('')

test('no row moves, and new ones come at the end', () => {
  const now = [row('d'), row('c'), row('a', 7)]
  const shown = steady(['a', 'b', 'c'], now, [...now, row('b')], ({ id }) => id)
  expect(ids(shown)).toBe('abcd')
  expect(shown[0]).toEqual(row('a', 7))
})

test('what is gone leaves', () => {
  expect(ids(steady(['a', 'b'], [row('b')], [row('b')], ({ id }) => id))).toBe('b')
})
