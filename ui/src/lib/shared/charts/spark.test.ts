import { expect, test } from 'vitest'
import { sparkPath } from './spark'

const box = { width: 60, height: 23, slots: 3, max: 100 }

test('the newest value stands at the right edge', () => {
  expect(sparkPath([0, 100], box)).toEqual({
    line: 'M30 21.5L60 1.5',
    area: 'M30 21.5L60 1.5L60 23L30 23Z',
    end: { x: 60, y: 1.5 },
  })
})

test('only as many values as fit are drawn', () => {
  expect(sparkPath([9, 9, 0, 0, 0], box)?.line).toBe('M0 21.5L30 21.5L60 21.5')
})

test('a value above the scale stays inside', () => {
  expect(sparkPath([0, 900], box)?.end.y).toBe(1.5)
})

test('one value is no line', () => {
  expect(sparkPath([5], box)).toBeNull()
})
