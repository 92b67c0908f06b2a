import { expect, test } from 'vitest'
import type { FileRow } from '$lib/ipc/client'
import { ancestors, lines, onlyAttributes, parent, permissions, worthOpening } from './tree'

const file = (name: string, more: Partial<FileRow> = {}): FileRow => ({
  name,
  kind: 'file',
  change: 'same',
  layer: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 1,
  modifiedSec: 0,
  files: 1,
  changes: 0,
  target: null,
  linked: false,
  before: null,
  ...more,
})
const folder = (name: string, more: Partial<FileRow> = {}): FileRow => file(name, { kind: 'directory', ...more })

test('only open folders show what is in them, each one level deeper', () => {
  const folders = new Map([
    ['/', { total: 2, files: [folder('etc'), file('x')] }],
    ['/etc', { total: 3, files: [file('passwd')] }],
  ])
  const told = (open: string[]): string[] => lines(folders, new Set(open)).map((line) => `${line.depth} ${line.kind === 'more' ? `+${line.left}` : line.path}`)
  expect(told([])).toEqual(['0 /etc', '0 /x'])
  expect(told(['/etc'])).toEqual(['0 /etc', '1 /etc/passwd', '1 +2', '0 /x'])
})

test('folders with few changes open by themselves, as long as there is room', () => {
  const files = [folder('a', { changes: 3 }), folder('b', { changes: 500 }), file('c', { changes: 1 }), folder('d', { changes: 60 })]
  expect(worthOpening('/', { total: 4, files }, 0)).toEqual(['/a', '/d'])
  expect(worthOpening('/', { total: 4, files }, 100)).toEqual(['/a'])
})

test.each([
  ['file', 0o4755, '-rwsr-xr-x'],
  ['directory', 0o1777, 'drwxrwxrwt'],
  ['symlink', 0o777, 'lrwxrwxrwx'],
  ['file', 0o2644, '-rw-r-Sr--'],
] as const)('%s %o is %s', (kind, mode, text) => {
  expect(permissions({ kind, mode })).toBe(text)
})

test('the way to a path begins at the root', () => {
  expect(ancestors('/usr/bin/env')).toEqual(['/', '/usr', '/usr/bin'])
  expect(ancestors('/x')).toEqual(['/'])
  expect([parent('/usr/bin'), parent('/usr')]).toEqual(['/usr', '/'])
})

test('a file whose size and time stayed was only given other attributes', () => {
  const before = { layer: 0, mode: 0o600, uid: 0, gid: 0, sizeBytes: 1, modifiedSec: 0 }
  expect(onlyAttributes(file('a', { before }))).toBe(true)
  expect(onlyAttributes(file('a', { before, modifiedSec: 5 }))).toBe(false)
  expect(onlyAttributes(file('a'))).toBe(false)
})
