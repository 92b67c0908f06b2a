import { expect, test } from 'vitest'
import { eventSubject } from './history'

const event = (id: string, attributes: Record<string, string> = {}) => ({ atNs: 0, kind: 'container', action: 'die', id, attributes })

test('an object is told by its name, else by the short form of its id', () => {
  expect(eventSubject(event('3f9c'.repeat(16), { name: 'web', exitCode: '137' }))).toBe('web (137)')
  expect(eventSubject(event('3f9c'.repeat(16)))).toBe('3f9c3f9c3f9c')
  expect(eventSubject(event(`sha256:7b1f${'0'.repeat(56)}e90c`))).toBe('sha256:7b1f…e90c')
})
