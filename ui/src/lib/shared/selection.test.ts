import { expect, test } from 'vitest'
import { Selection } from './selection.svelte'

const ids = ['a', 'b', 'c', 'd']

test('arrow keys move and stop at the ends', () => {
  const selection = new Selection()
  expect([1, 1, 1, 9, -1].map((by) => selection.move(by, ids))).toEqual(['a', 'b', 'c', 'd', 'c'])
  expect([...selection.chosen]).toEqual(['c'])
})

test('Shift chooses everything between', () => {
  const selection = new Selection()
  selection.only('b')
  selection.extend('d', ids)
  expect([...selection.chosen]).toEqual(['b', 'c', 'd'])
  selection.extend('a', ids)
  expect([...selection.chosen]).toEqual(['a', 'b'])
})

test('rows that are gone are no longer chosen', () => {
  const selection = new Selection()
  selection.only('b')
  selection.toggle('c')
  selection.retain(['a', 'b'])
  expect([...selection.chosen]).toEqual(['b'])
  expect(selection.active).toBe('a')
})
