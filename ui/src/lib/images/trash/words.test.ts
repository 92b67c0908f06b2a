import { expect, test } from 'vitest'
import { daysLeft, trashedTitle } from './words'

test('what goes in a moment has one day and never none', () => {
  const day = 86_400_000
  expect([daysLeft(7 * day, 0), daysLeft(day + 1, 0), daysLeft(day, 0), daysLeft(1, 0), daysLeft(0, 9)]).toEqual([7, 2, 1, 1, 1])
})

test('a trashed image is told by its names, else by its id', () => {
  expect(trashedTitle({ references: ['app:1', 'app:2'], imageId: 'x' })).toBe('app:1, app:2')
  expect(trashedTitle({ references: [], imageId: `sha256:${'ab'.repeat(32)}` })).toBe('sha256:abab…abab')
})
