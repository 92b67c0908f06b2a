import { afterEach, expect, test } from 'vitest'
import { CAUSES, DETAILS } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { locale } from '$lib/shared/i18n/index.svelte'
import { toldCause, toldDetail, valuesOf } from './told'

afterEach(() => {
  locale.current = 'en'
})

const places = (text: string): number => text.split('{}').length

const checks = [
  { known: CAUSES, english: en.causes, korean: ko.causes },
  { known: DETAILS, english: en.details, korean: ko.details },
] satisfies { known: readonly (readonly [string, string])[]; english: Record<string, string>; korean: Record<string, string> }[]

test.each(checks)('every text that is recognized is said in both languages, with all of its values', ({ known, english, korean }) => {
  const codes = known.map(([code]) => code).sort()
  for (const texts of [english, korean] as Record<string, string>[]) {
    expect(Object.keys(texts).sort()).toEqual(codes)
    expect(known.filter(([code, template]) => places(template) !== places(texts[code] ?? ''))).toEqual([])
  }
})

test('values are read back from the text', () => {
  expect(valuesOf('fetch blob {} ({})', 'fetch blob sha256:ab (config)')).toEqual(['sha256:ab', 'config'])
  expect(valuesOf('{} has no {}', 'r.example:5000 has no tag `9` of repository `a/b`')).toEqual(['r.example:5000', 'tag `9` of repository `a/b`'])
  expect(valuesOf('{} has no {}', 'the image has no command')).toBeUndefined()
  expect(valuesOf('reach {}', 'reach')).toBeUndefined()
  expect(valuesOf('no answer in time', 'no answer in time')).toEqual([])
})

test('a cause is said in the language of the window, with the causes in it', () => {
  locale.current = 'ko'
  expect(toldCause('r.example has no tag `9` of repository `a/b`')).toBe('r.example에 없어요: 태그 `9` (저장소 `a/b`)')
  expect(toldCause('fetch blob sha256:ab (layer 2 of 7)')).toBe('블롭 sha256:ab 받기 (2번째 레이어, 모두 7개)')
  expect(toldCause('r.example broke the protocol: the list of names is no list')).toBe('r.example의 응답이 규약에 맞지 않아요: 이름 목록이 목록 형식이 아니에요')
})

test('words that are not ours stay as they came', () => {
  locale.current = 'ko'
  expect(toldCause('quota exceeded for team 7')).toBe('quota exceeded for team 7')
  expect(toldDetail('blobs and snapshots')).toBe('블롭과 스냅샷')
  expect(toldDetail('/proc')).toBe('/proc')
})
