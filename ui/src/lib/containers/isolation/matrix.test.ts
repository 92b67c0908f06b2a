import { expect, test } from 'vitest'
import type { NamespaceView } from '$lib/ipc/client'
import { letter, matrix, NAMESPACE_KINDS, sharers } from './matrix'

const view = (name: string, inodes: (number | null)[]): NamespaceView => ({
  container: name === 'host' ? null : name,
  name,
  pid: 1,
  command: 'sh',
  namespaces: NAMESPACE_KINDS.map((kind, index) => ({ kind, inode: inodes[index] ?? null })),
})

const views = [view('host', [1, 2, 3, 4, 5, 6, 7, 8]), view('web', [11, 12, 13, 14, 15, 16, 7, 8]), view('db', [21, 22, 13, null, 25, 26, 7, 8])]

test('equal inodes have the letter of the first column that has them', () => {
  const letters = matrix(views).map((row) => row.map(({ owner }) => (owner === null ? '?' : letter(owner))).join(''))
  expect(letters).toEqual(['ABC', 'ABC', 'ABB', 'AB?', 'ABC', 'ABC', 'AAA', 'AAA'])
})

test('what is unknown is shared with nobody', () => {
  const rows = matrix(views)
  const names = ['host', 'web', 'db']
  const shared = (row: number, column: number) => {
    const cells = rows[row] ?? []
    return cells[column] && sharers(cells, cells[column], names)
  }
  expect(shared(2, 1)).toEqual(['db'])
  expect(shared(3, 2)).toEqual([])
  expect(shared(6, 1)).toEqual(['host', 'db'])
})
