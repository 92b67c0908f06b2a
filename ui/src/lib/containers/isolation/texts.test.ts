import { expect, test } from 'vitest'
import { CGROUP_FILES } from '$lib/ipc/client'
import * as en from '$lib/shared/i18n/en'
import * as ko from '$lib/shared/i18n/ko'
import { NAMESPACE_KINDS } from './matrix'

/** Capabilities of a kernel of today, see capabilities(7). */
const CAPABILITIES = 41

test.each([['en', en], ['ko', ko]] as const)('all that the kernel shows has a sentence in %s', (_, { kernel }) => {
  expect(Object.keys(kernel.files).sort()).toEqual([...CGROUP_FILES].sort())
  expect(Object.keys(kernel.namespaces).sort()).toEqual([...NAMESPACE_KINDS].sort())
  expect(Object.keys(kernel.capabilities)).toHaveLength(CAPABILITIES)
})
