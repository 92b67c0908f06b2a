import { expect, test } from 'vitest'
import * as en from './en'
import * as ko from './ko'
import { systemLanguage } from './index.svelte'

type Tree = { [key: string]: unknown }

/** Every path to a message, with its kind: `containers.title: string`. */
function paths(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? paths(value as Tree, `${prefix}${key}.`)
      : [`${prefix}${key}: ${typeof value}`],
  )
}

function leaves(tree: Tree): string[] {
  return Object.values(tree).flatMap((value) =>
    typeof value === 'string' ? [value] : value !== null && typeof value === 'object' ? leaves(value as Tree) : [],
  )
}

test('both languages have the same keys of the same kind', () => {
  expect(paths(ko).sort()).toEqual(paths(en).sort())
})

test('no message is empty', () => {
  expect([...leaves(en), ...leaves(ko)].filter((text) => text.trim() === '')).toEqual([])
})

test('the first language of the system that we speak wins', () => {
  expect(systemLanguage(['fr-FR', 'ko-KR', 'en'])).toBe('ko')
  expect(systemLanguage(['fr-FR'])).toBe('en')
})
