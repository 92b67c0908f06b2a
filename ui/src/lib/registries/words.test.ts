import { beforeEach, expect, test } from 'vitest'
import { locale } from '$lib/shared/i18n/index.svelte'
import { found, keptAt, repositoryName } from './words'

beforeEach(() => {
  locale.current = 'en'
})

test('a repository of Docker Hub without a namespace is an official one', () => {
  expect(repositoryName('docker.io', 'ubuntu')).toBe('docker.io/library/ubuntu')
  expect(repositoryName('docker.io', 'acme/web')).toBe('docker.io/acme/web')
  expect(repositoryName('localhost:5000', 'web')).toBe('localhost:5000/web')
})

test('it is said that our own file is not encrypted', () => {
  expect(keptAt({ type: 'own', path: '/data/sign-ins.json' }).value).toContain('not encrypted')
  expect(keptAt({ type: 'helper', helper: 'secretservice' }).value).toContain('secretservice')
})

test('an address without TLS is told apart from one whose certificate nobody checked', () => {
  const answer = (certificateChecked: boolean | null) => found({ type: 'answer', address: 'x', certificateChecked })
  expect(new Set([answer(true), answer(false), answer(null)]).size).toBe(3)
})
