import { expect, test } from 'vitest'
import type { BlobProgress, PullProgress } from '$lib/ipc/client'
import { speed, waterfall } from './waterfall'

const blob = (more: Partial<BlobProgress>): BlobProgress => ({
  digest: 'sha256:a',
  layer: 1,
  sizeBytes: 100,
  downloadedBytes: 0,
  phase: 'waiting',
  download: null,
  verify: null,
  unpack: null,
  sharedWith: [],
  ...more,
})

const pull = (blobs: BlobProgress[], elapsedUsec: number, more: Partial<PullProgress> = {}): PullProgress => ({
  activity: '1',
  reference: 'docker.io/library/a:latest',
  stage: 'fetching',
  documents: [],
  blobs,
  downloadedBytes: 0,
  toDownloadBytes: 0,
  savedBytes: 0,
  elapsedUsec,
  imageId: null,
  manifestDigest: null,
  upToDate: false,
  ...more,
})

test('the top layer comes first and the config last', () => {
  const { rows } = waterfall(pull([blob({ layer: null }), blob({ layer: 1 }), blob({ layer: 2 })], 0))
  expect(rows.map(({ blob: { layer } }) => layer)).toEqual([2, 1, null])
})

test('a running download reaches to now and is expected to go on at its speed', () => {
  const running = blob({ downloadedBytes: 50, download: { startUsec: 0, endUsec: null }, phase: 'downloading' })
  const { rows, totalUsec, now } = waterfall(pull([running], 2_000_000))
  expect(totalUsec).toBe(4_000_000)
  expect(now).toBe(50)
  expect(rows[0]).toMatchObject({ parts: [{ kind: 'download', left: 0, width: 50 }], expected: { left: 50, width: 50 } })
})

test('a stalled download does not stretch the scale without end', () => {
  const stalled = blob({ sizeBytes: 1e9, downloadedBytes: 1, download: { startUsec: 0, endUsec: null } })
  expect(waterfall(pull([stalled], 1_000_000)).totalUsec).toBeLessThanOrEqual(5_000_000)
})

test('the speed tells how long the rest takes', () => {
  expect(speed(pull([], 2_000_000, { downloadedBytes: 200, toDownloadBytes: 500 }))).toEqual({ bytesPerS: 100, leftS: 3 })
  expect(speed(pull([], 2_000_000))).toBeNull()
})
