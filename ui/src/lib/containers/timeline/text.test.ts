import { expect, test } from 'vitest'
import { STEPS } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { argument, inWords, textOf } from './text'

const step = (name: string, detail = '') => ({ name, detail, startUsec: 0, endUsec: 1 })

test.each([['en', en], ['ko', ko]] as const)('every step has a title, a reason and a consequence in %s', (_, { steps }) => {
  expect(Object.keys(steps).sort()).toEqual([...STEPS].sort())
  const empty = Object.entries(steps).filter(([, text]) => Object.values(text).some((sentence) => sentence.trim() === ''))
  expect(empty).toEqual([])
})

test('a step that nobody wrote a text for is still explained by its kind', () => {
  expect(textOf(step('mount something new')).why).toBe(en.timeline.explained.files)
})

test('mounts are told apart by their target', () => {
  expect(argument(step('mount', 'bind /run/x on y/hosts on /etc/hosts'))).toBe('/etc/hosts')
  expect(argument(step('mount', 'proc on /proc'))).toBe('/proc')
  expect(argument(step('setns', 'net'))).toBe('net')
})

test('amounts are said in words, and an id is shortened', () => {
  expect(inWords('10 masked, 5 read-only')).toBe('10 hidden, 5 read-only')
  expect(argument(step('cgroup', `/terrarium/${'ab'.repeat(32)}`))).toBe('/terrarium/abababababab')
})
