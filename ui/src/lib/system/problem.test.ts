import { expect, test } from 'vitest'
import { HINTS } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { locale } from '$lib/shared/i18n/index.svelte'
import { advised, problemOf } from './problem'

const places = (text: string): number => text.split('{}').length

test('every hint of the engine is said in both languages, with all of its values', () => {
  expect(Object.keys(en.hints).sort()).toEqual([...HINTS].sort())
  expect(Object.keys(ko.hints).sort()).toEqual([...HINTS].sort())
  const lost = HINTS.filter((code) => places(en.hints[code]) !== places(ko.hints[code]))
  expect(lost).toEqual([])
})

test('values stand in their places', () => {
  locale.current = 'ko'
  expect(advised({ code: 'waitSeconds', values: ['30', 'ghcr.io'] })).toBe('30초 기다리거나, ghcr.io에 로그인해 한도를 늘려 주세요.')
  locale.current = 'en'
})

test('an unknown hint keeps the words of the engine', () => {
  const error = { code: 'internal', message: 'm', causes: [], hint: 'do this', advice: null }
  expect(problemOf(error).hint).toBe('do this')
  expect(problemOf({ ...error, advice: { code: 'newer', values: [] } }).hint).toBe('do this')
})
