import { formatter } from './formatters'
import { t } from './i18n/index.svelte'

/** A number and its unit apart, because the unit is set in a quieter color. */
export interface Quantity {
  value: string
  unit: string
}

/** Between a number and its unit, and never the place of a line break. The narrow one is invisible in Pretendard. */
const GAP = '\u00a0'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Hangul units follow their number at once: 2초. */
const gapBefore = (unit: string): string => (unit === '' || /^[가-힣]/.test(unit) ? '' : GAP)

export const text = ({ value, unit }: Quantity): string => value + gapBefore(unit) + unit

const number = (value: number, digits: number): string =>
  formatter(`number ${digits}`, (language) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })).format(value)

/** Three figures at most: 9.8, 98.1, 981. */
const digitsFor = (value: number): number => (value < 100 ? 1 : 0)

export function bytesQuantity(bytes: number): Quantity {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), BYTE_UNITS.length - 1)
  const scaled = bytes / 1024 ** power
  const round = power === 0 || Number.isInteger(scaled)
  return { value: number(scaled, round ? 0 : digitsFor(scaled)), unit: BYTE_UNITS[power] ?? 'B' }
}

export const bytes = (size: number): string => text(bytesQuantity(size))

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`

/** Percent of one core: a container on two cores can show 200 %. */
export function percentQuantity(percent: number): Quantity {
  return { value: number(percent, digitsFor(percent)), unit: '%' }
}

export const percent = (value: number): string => text(percentQuantity(value))

export const count = (value: number): string => formatter('count', (language) => new Intl.NumberFormat(language)).format(value)

/** Three figures at most, as a stopwatch is read: 6.75, 67.5, 675. */
const timeDigits = (value: number): number => (value < 10 ? 2 : value < 100 ? 1 : 0)

/** µs below 1 ms, ms below 1 s, then seconds. */
export function usecQuantity(usec: number): Quantity {
  if (usec < 1_000) return { value: count(Math.round(usec)), unit: 'µs' }
  if (usec < 1_000_000) return { value: number(usec / 1_000, timeDigits(usec / 1_000)), unit: 'ms' }
  return { value: number(usec / 1_000_000, timeDigits(usec / 1_000_000)), unit: t.units.second }
}

export const usec = (value: number): string => text(usecQuantity(value))

/** A round time at an axis: `2 ms`, not `2.00 ms`. */
export function tick(value: number): string {
  if (value === 0) return '0'
  const [scale, unit] = value < 1_000 ? [1, 'µs'] : value < 1_000_000 ? [1_000, 'ms'] : [1_000_000, t.units.second]
  return text({ value: formatter('tick', (language) => new Intl.NumberFormat(language, { maximumFractionDigits: 2 })).format(value / scale), unit })
}

/** What was measured in whole milliseconds promises no more: `67 ms`, not `67.0 ms`. */
export const msec = (value: number): string => (value < 1 ? text({ value: '< 1', unit: 'ms' }) : tick(value * 1_000))

const MINUTE = 60
const HOUR = 3_600
const DAY = 86_400

/** The two largest parts of a duration: `3 h 12 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return t.units.seconds(whole)
  if (whole < HOUR) return t.units.minutes(Math.floor(whole / MINUTE))
  if (whole < DAY) return t.units.hours(Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE))
  return t.units.days(Math.floor(whole / DAY))
}

/** How long ago, in the words of the language: `2 hours ago`. */
export function ago(then: number, now: number): string {
  const seconds = Math.round((then - now) / 1_000)
  const format = formatter('ago', (language) => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))
  const size = Math.abs(seconds)
  if (size < MINUTE) return format.format(seconds, 'second')
  if (size < HOUR) return format.format(Math.trunc(seconds / MINUTE), 'minute')
  if (size < DAY) return format.format(Math.trunc(seconds / HOUR), 'hour')
  return format.format(Math.trunc(seconds / DAY), 'day')
}

export const clock = (time: number): string =>
  formatter('clock', (language) => new Intl.DateTimeFormat(language, { hour12: false, hour: '2-digit', minute: '2-digit', second: '2-digit' })).format(time)

export const moment = (time: number): string =>
  formatter('moment', (language) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })).format(time)

/** `sha256:7b1f…e90c`: enough to tell two apart, short enough for a row. */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(':')
  return hex === undefined || hex.length <= 12 ? digest : `${algorithm}:${hex.slice(0, 4)}…${hex.slice(-4)}`
}
