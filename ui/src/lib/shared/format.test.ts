import { beforeEach, expect, test } from 'vitest'
import { ago, bytes, duration, msec, percent, shortDigest, tick, usec } from './format'
import { locale } from './i18n/index.svelte'

beforeEach(() => {
  locale.current = 'en'
})

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

test.each([
  [0, '0 B'],
  [1_023, '1,023 B'],
  [1_024, '1 KiB'],
  [10_276_044, '9.8 MiB'],
  [536_870_912, '512 MiB'],
  [1_099_511_627_776, '1 TiB'],
])('%d bytes read %s', (size, expected) => {
  expect(plain(bytes(size))).toBe(expected)
})

test.each([
  [0.04, '0.0 %'],
  [18.72, '18.7 %'],
  [148.2, '148 %'],
])('%d percent reads %s', (value, expected) => {
  expect(plain(percent(value))).toBe(expected)
})

test.each([
  [82, '82 µs'],
  [6_750, '6.75 ms'],
  [67_503, '67.5 ms'],
  [675_030, '675 ms'],
  [1_250_000, '1.25 s'],
])('%d µs read %s', (value, expected) => {
  expect(plain(usec(value))).toBe(expected)
})

test.each([
  [0, '< 1 ms'],
  [67, '67 ms'],
  [1_250, '1.25 s'],
])('%d whole ms read %s', (value, expected) => {
  expect(plain(msec(value))).toBe(expected)
})

test.each([
  [0, '0'],
  [500, '500 µs'],
  [2_000, '2 ms'],
  [2_500_000, '2.5 s'],
])('%d µs at an axis reads %s', (value, expected) => {
  expect(plain(tick(value))).toBe(expected)
})

test('a duration shows its two largest parts', () => {
  expect(plain(duration(11_520))).toBe('3 h 12 min')
  locale.current = 'ko'
  expect(plain(duration(11_520))).toBe('3시간 12분')
})

test('a moment in the past is told in words', () => {
  expect(ago(0, 7_200_000)).toBe('2 hours ago')
})

test('a digest keeps its algorithm and both ends', () => {
  expect(shortDigest(`sha256:7b1f${'0'.repeat(56)}e90c`)).toBe('sha256:7b1f…e90c')
  expect(shortDigest('sha256:short')).toBe('sha256:short')
})
