import { expect, test } from 'vitest'
import { bandHeights, instructionOf } from './strip'

test.each([
  ['/bin/sh -c #(nop) CMD ["sh"]', 'CMD ["sh"]'],
  ['/bin/sh -c apk add curl', 'RUN apk add curl'],
  ['RUN /bin/sh -c apk add   curl # buildkit', 'RUN apk add curl'],
  ['COPY . . # buildkit', 'COPY . .'],
  [null, ''],
])('%j is shown as %j', (createdBy, expected) => {
  expect(instructionOf(createdBy)).toBe(expected)
})

test('an empty layer is seen, and a large one is not everything', () => {
  const [small, large] = bandHeights([0, 1e9])
  expect(small).toBeGreaterThan(0.1)
  expect(large).toBe(1)
})
