import { beforeEach, expect, test } from 'vitest'
import type { NamePart } from '$lib/ipc/client'
import { locale } from '$lib/shared/i18n/index.svelte'
import { partViews } from './dissection'

beforeEach(() => {
  locale.current = 'en'
})

const view = (parts: NamePart[]) => partViews({ familiar: '', canonical: '', parts })
const part = (kind: NamePart['kind'], text: string, implied = false): NamePart => ({ kind, text, implied })

test('the parts put together are the canonical name', () => {
  const parts = view([part('registry', 'docker.io', true), part('namespace', 'library', true), part('repository', 'ubuntu'), part('tag', 'latest', true)])
  expect(parts.map(({ text }) => text).join('')).toBe('docker.io/library/ubuntu:latest')
  expect(parts.map(({ implied }) => implied)).toEqual([true, true, false, true])
})

test('a digest stands after an at sign', () => {
  const parts = view([part('registry', 'ghcr.io'), part('repository', 'app'), part('digest', 'sha256:ab')])
  expect(parts.map(({ text }) => text).join('')).toBe('ghcr.io/app@sha256:ab')
})
