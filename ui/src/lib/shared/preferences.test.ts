import { expect, test } from 'vitest'
import { parsePreferences } from './preferences'

const defaults = parsePreferences(null)

test('nothing stored gives the choices of the system', () => {
  expect(defaults).toEqual({ language: 'system', theme: 'system', motion: 'system', contrast: 'system', textSize: 100 })
})

test.each(['{', '[]', 'null', '3', '{"theme":"pink","textSize":9000}'])('damaged storage %s gives the defaults', (stored) => {
  expect(parsePreferences(stored)).toEqual(defaults)
})

test('valid choices survive beside invalid ones', () => {
  expect(parsePreferences('{"theme":"light","language":"xx"}')).toEqual({ ...defaults, theme: 'light' })
})
