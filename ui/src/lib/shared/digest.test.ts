import { expect, test } from 'vitest'
import { sha256, verified } from './digest'

test('the digest of a document is computed from its text', async () => {
  const digest = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
  expect(await sha256('{}')).toBe(digest)
  expect(await verified({ digest, json: '{}' })).toBe(true)
  expect(await verified({ digest, json: '{ }' })).toBe(false)
})
