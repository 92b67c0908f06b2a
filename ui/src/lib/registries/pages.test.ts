import { expect, test } from 'vitest'
import { Pages } from './pages.svelte'

test('pages follow each other, and a name that comes twice is shown once', async () => {
  const pages = new Pages()
  await pages.begin((page) => Promise.resolve(page === null ? { names: ['a', 'b'], next: 'b' } : { names: ['b', 'c'], next: null }))
  expect(pages.names).toEqual(['a', 'b'])
  expect(pages.more).toBe(true)
  await pages.readMore()
  expect(pages.names).toEqual(['a', 'b', 'c'])
  expect(pages.more).toBe(false)
})

test('the answer to an earlier question is not shown', async () => {
  const pages = new Pages()
  let late: (page: { names: string[]; next: null }) => void = () => undefined
  const first = pages.begin(() => new Promise((resolve) => (late = resolve)))
  await pages.begin(() => Promise.resolve({ names: ['new'], next: null }))
  late({ names: ['old'], next: null })
  await first
  expect(pages.names).toEqual(['new'])
})

test('a failure says why and keeps what was read', async () => {
  const pages = new Pages()
  await pages.begin((page) => (page === null ? Promise.resolve({ names: ['a'], next: 'a' }) : Promise.reject({ code: 'rateLimited', message: 'slow down', causes: [], hint: null, advice: null })))
  await pages.readMore()
  expect(pages.state).toBe('failed')
  expect(pages.problem?.code).toBe('rateLimited')
  expect(pages.names).toEqual(['a'])
})
