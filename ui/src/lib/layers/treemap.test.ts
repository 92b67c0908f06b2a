import { expect, test } from 'vitest'
import { treemap } from './treemap'

test.each([[[6, 6, 4, 3, 2, 2, 1], 1.5], [[1], 2], [[1000, 1, 1, 1], 1]])('%j fills the whole, each tile as large as its share', (sizes, wide) => {
  const tiles = treemap(sizes, wide)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  tiles.forEach(({ x, y, width, height }, index) => {
    expect((width * height) / 10_000).toBeCloseTo((sizes[index] ?? 0) / total)
    expect(x + width).toBeLessThanOrEqual(100.001)
    expect(y + height).toBeLessThanOrEqual(100.001)
  })
})

test('nothing has no tiles', () => {
  expect(treemap([])).toEqual([])
  expect(treemap([0, 0])).toEqual([])
})
