import { expect, test } from 'vitest'
import { FINDINGS, HINTS } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { locale } from '$lib/shared/i18n/index.svelte'
import { advised, findingText, problemOf } from './problem'

const places = (text: string): number => text.split('{}').length

test('every hint of the engine is said in both languages, with all of its values', () => {
  expect(Object.keys(en.hints).sort()).toEqual([...HINTS].sort())
  expect(Object.keys(ko.hints).sort()).toEqual([...HINTS].sort())
  const lost = HINTS.filter((code) => places(en.hints[code]) !== places(ko.hints[code]))
  expect(lost).toEqual([])
})

test('everything that a check finds is said in both languages, with all of its values', () => {
  expect(Object.keys(en.findings).sort()).toEqual([...FINDINGS].sort())
  expect(Object.keys(ko.findings).sort()).toEqual([...FINDINGS].sort())
  expect(FINDINGS.filter((code) => places(en.findings[code]) !== places(ko.findings[code]))).toEqual([])
})

test('what has no language, such as a path, stays as it was found', () => {
  expect(findingText({ finding: null, detail: '/usr/sbin/nft' })).toBe('/usr/sbin/nft')
  expect(findingText({ finding: { code: 'upTo', values: ['7'] }, detail: 'up to 7' })).toBe('Up to 7.')
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
