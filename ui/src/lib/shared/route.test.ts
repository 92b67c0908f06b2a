import { expect, test } from 'vitest'
import { formatRoute, parseRoute, type Route } from './route'

const routes: [string, Route][] = [
  ['#/home', { page: 'home' }],
  ['#/containers', { page: 'containers' }],
  ['#/containers/3f9c/logs', { page: 'containers', id: '3f9c', tab: 'logs' }],
  ['#/images/sha256%3Aab/layers', { page: 'images', id: 'sha256:ab', tab: 'layers' }],
  ['#/volumes/data', { page: 'volumes', id: 'data' }],
  ['#/networks/front', { page: 'networks', id: 'front' }],
  ['#/settings', { page: 'settings' }],
]

test.each(routes)('%s is read and written alike', (hash, route) => {
  expect(parseRoute(hash)).toEqual(route)
  expect(formatRoute(route)).toBe(hash)
})

test('an unknown place is Home, an unknown tab the first', () => {
  expect(parseRoute('#/nowhere')).toEqual({ page: 'home' })
  expect(parseRoute('#/containers/a/nothing')).toEqual({ page: 'containers', id: 'a', tab: 'summary' })
  expect(parseRoute('#/containers/%E0%A4%A/logs')).toMatchObject({ page: 'containers', tab: 'logs' })
})
