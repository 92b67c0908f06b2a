import { expect, test } from 'vitest'
import { repairLanguage } from './tag'

test.each([
  ['ko-KR', 'ko-KR'],
  ['en', 'en'],
  ['C', 'en-US'],
  ['', 'en-US'],
])('the language %j is used as %j', (language, expected) => {
  const holder = { language }
  repairLanguage(holder)
  expect(holder.language).toBe(expected)
})
