import { expect, test } from 'vitest'
import { formatter } from './formatters'
import { locale } from './i18n/index.svelte'

test('there is one formatter of a kind in each language', () => {
  const make = (language: string) => new Intl.NumberFormat(language)
  locale.current = 'en'
  const english = formatter('test', make)
  expect(formatter('test', make)).toBe(english)
  locale.current = 'ko'
  expect(formatter('test', make).resolvedOptions().locale).toBe('ko')
  locale.current = 'en'
  expect(formatter('test', make)).toBe(english)
})
