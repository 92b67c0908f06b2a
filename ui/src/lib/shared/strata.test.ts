import { expect, test } from 'vitest'
import { jarBands, strata } from './strata'

const layers = (...names: string[]) => names.map((name) => `sha256:${name}`)

test('images that share a base share the colors of the base', () => {
  const one = strata(layers('a', 'b', 'c', 'x'))
  const two = strata(layers('a', 'b', 'c', 'y', 'z'))
  expect(two.slice(0, 3)).toEqual(one.slice(0, 3))
})

test('neighbors never have the same color', () => {
  const colors = strata(Array.from({ length: 200 }, (_, index) => `sha256:${index}`))
  expect(colors.every((color, index) => color !== colors[index + 1])).toBe(true)
})

test('no color comes twice among eight layers', () => {
  expect(new Set(strata(layers('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'))).size).toBe(8)
})

test('all eight colors are used', () => {
  expect(new Set(strata(Array.from({ length: 200 }, (_, index) => `sha256:${index}`))).size).toBe(8)
})

test('a jar shows at most five bands and keeps base and top', () => {
  const digests = layers('a', 'b', 'c', 'd', 'e', 'f', 'g')
  const all = strata(digests)
  expect(jarBands(digests)).toEqual([...all.slice(0, 2), ...all.slice(-3)])
  expect(jarBands(digests.slice(0, 3))).toEqual(all.slice(0, 3))
})
