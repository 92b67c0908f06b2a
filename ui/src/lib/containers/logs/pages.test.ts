import { expect, test } from 'vitest'
import { MOST_PAGES, PAGE, Pages } from './pages'

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ text: `${from + index}\n`, atMs: 0, atSubmsNs: 0, stream: 'stdout' as const }))

test('lines are found by their numbers, across pages', () => {
  const pages = new Pages()
  pages.put(PAGE - 2, lines(PAGE - 2, 4))
  expect([PAGE - 3, PAGE - 2, PAGE + 1, PAGE + 2].map((number) => pages.get(number)?.raw)).toEqual([undefined, `${PAGE - 2}`, `${PAGE + 1}`, undefined])
})

test('the page that was filled first goes when there are many', () => {
  const pages = new Pages()
  for (let page = 0; page <= MOST_PAGES; page++) {
    pages.put(page * PAGE, lines(page * PAGE, PAGE))
    // The first one is used again and again.
    if (page < MOST_PAGES) pages.put(0, lines(0, 1))
  }
  expect(pages.get(0)?.raw).toBe('0')
  expect(pages.get(PAGE)).toBeUndefined()
  expect(pages.get(MOST_PAGES * PAGE)?.raw).toBe(`${MOST_PAGES * PAGE}`)
})
