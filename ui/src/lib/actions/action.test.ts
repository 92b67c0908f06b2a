import { expect, test } from 'vitest'
import type { Icon } from '$lib/shared/icons'
import { fitting, menuGroups, type Action } from './action'

const icon = {} as Icon
const verb = (id: string, group: number, more: Partial<Action<number>> = {}): Action<number> => ({
  id,
  icon,
  group,
  label: () => id,
  fits: () => true,
  run: () => undefined,
  ...more,
})

test('a verb is offered only when it fits every object', () => {
  const even = verb('halve', 0, { fits: (target) => target % 2 === 0 })
  expect(fitting([even], [2, 4])).toEqual([even])
  expect(fitting([even], [2, 3])).toEqual([])
  expect(fitting([even], [])).toEqual([])
})

test('a verb that opens something is not offered for several objects', () => {
  expect(fitting([verb('open', 0, { single: true })], [1, 2])).toEqual([])
})

test('a menu keeps groups apart and in order', () => {
  const groups = menuGroups([verb('remove', 9), verb('start', 0), verb('stop', 0, { shortcut: { code: 'KeyS' } })], [1])
  expect(groups.map((group) => group.map(({ id, keys }) => [id, keys]))).toEqual([
    [['start', undefined], ['stop', 'S']],
    [['remove', undefined]],
  ])
})
