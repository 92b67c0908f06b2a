import { expect, test } from 'vitest'
import type { ImageDocument } from '$lib/ipc/client'
import { meaning } from './meaning'

const document = (kind: ImageDocument['kind'], value: unknown): ImageDocument => ({ kind, digest: '', mediaType: '', json: typeof value === 'string' ? value : JSON.stringify(value) })

test('an index names a manifest for each platform', () => {
  const index = { manifests: [{ digest: 'sha256:a', size: 7, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }] }
  expect(meaning(document('index', index))).toEqual([{ what: 'platform', note: 'linux/arm/v7', value: '', digest: 'sha256:a', sizeBytes: 7 }])
})

test('a manifest names the config and the layers, bottom first', () => {
  const manifest = { config: { digest: 'sha256:c', size: 1 }, layers: [{ digest: 'sha256:1', size: 2 }, { digest: 'sha256:2', size: 3 }] }
  expect(meaning(document('manifest', manifest)).map(({ what, note, digest }) => [what, note, digest])).toEqual([
    ['config', undefined, 'sha256:c'],
    ['layer', '1', 'sha256:1'],
    ['layer', '2', 'sha256:2'],
  ])
})

test('a config says what runs, and leaves out what it does not say', () => {
  const config = { os: 'linux', architecture: 'amd64', config: { Cmd: ['sh', '-c', 'x'] }, rootfs: { diff_ids: ['a', 'b'] } }
  expect(meaning(document('config', config)).map(({ what, value }) => `${what} ${value}`)).toEqual(['platform linux/amd64', 'command sh -c x', 'diffIds 2', 'history 0'])
})

test.each(['', 'null', '[1]', '{"manifests":{"a":1},"layers":7,"config":[3]}'])('what is no such document has no meaning that breaks: %s', (json) => {
  for (const kind of ['index', 'manifest', 'config'] as const) expect(() => meaning(document(kind, json))).not.toThrow()
})
