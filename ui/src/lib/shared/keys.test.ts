import { expect, test } from 'vitest'
import { keyName, type Shortcut } from './keys'

const names: [Shortcut, string][] = [
  [{ code: 'KeyK', ctrl: true }, 'Ctrl K'],
  [{ code: 'Slash' }, '/'],
  [{ code: 'Slash', shift: true }, '?'],
  [{ code: 'Digit1' }, '1'],
  [{ code: 'Delete' }, 'Del'],
]

test.each(names)('%o is shown as %s', (shortcut, name) => {
  expect(keyName(shortcut)).toBe(name)
})
