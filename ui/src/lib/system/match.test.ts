import { expect, test } from 'vitest'
import { initials, score } from './match'

test('Hangul is found by its first consonants', () => {
  expect(initials('컨테이너 web')).toBe('ㅋㅌㅇㄴ web')
  expect(score('컨테이너', 'ㅋㅌ')).toBeGreaterThan(0)
})

test('every word must be found', () => {
  expect(score('shop-api-1', 'shop api')).toBeGreaterThan(0)
  expect(score('shop-api-1', 'shop db')).toBe(0)
})

test('a match at the start beats one inside', () => {
  expect(score('api', 'api')).toBeGreaterThan(score('shop-api', 'api'))
  expect(score('shop-api', 'api')).toBeGreaterThan(score('shopapi', 'api'))
})
