import { describe, expect, test } from 'vitest'
import type { ChangeKind, Overview, Volume } from '$lib/ipc/client'
import { reduce } from './reduce'

const volume = (name: string, usedBy: string[] = []): Volume => ({
  name,
  usedBy,
  mountpoint: `/volumes/${name}`,
  createdAtMs: 0,
  labels: {},
  anonymous: false,
})

const overview = (volumes: Volume[]): Overview => ({
  revision: 7,
  containers: [],
  images: [],
  activities: [],
  trash: { images: 0 },
  volumes,
  system: {} as Overview['system'],
})

const start = overview([volume('a'), volume('b')])
const apply = (change: ChangeKind, revision = 8) => reduce(start, { revision, change })

describe('a change', () => {
  test('replaces a row where it stands', () => {
    const next = apply({ type: 'volume', value: volume('b', ['web']) })
    expect(next).toMatchObject({ revision: 8, volumes: [{ name: 'a' }, { name: 'b', usedBy: ['web'] }] })
  })

  test('puts a new row first', () => {
    expect(apply({ type: 'volume', value: volume('c') })).toMatchObject({ volumes: [{ name: 'c' }, { name: 'a' }, { name: 'b' }] })
  })

  test('removes a row', () => {
    expect(apply({ type: 'removed', kind: 'volume', id: 'a' })).toMatchObject({ volumes: [{ name: 'b' }] })
  })

  test('leaves other lists untouched, the same object', () => {
    const next = apply({ type: 'removed', kind: 'volume', id: 'a' }) as Overview
    expect(next.containers).toBe(start.containers)
  })

  test('that was in the overview already makes no difference', () => {
    expect(apply({ type: 'volume', value: volume('c') }, 7)).toBe('known')
  })

  test('after a gap asks for a whole overview', () => {
    expect(apply({ type: 'volume', value: volume('c') }, 9)).toBe('stale')
    expect(apply({ type: 'lagged' })).toBe('stale')
  })
})
