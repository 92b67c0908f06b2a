export const CONTAINER_TABS = ['summary', 'logs', 'terminal', 'files', 'resources', 'isolation', 'processes', 'timeline'] as const
export const IMAGE_TABS = ['layers', 'files', 'manifest', 'uses'] as const
export const BUILD_TABS = ['studio', 'history'] as const
export const SETTINGS_TABS = ['look', 'registries', 'storage', 'engine'] as const
export const PAGES = ['home', 'containers', 'images', 'builds', 'volumes', 'networks', 'activity', 'settings'] as const

export type ContainerTab = (typeof CONTAINER_TABS)[number]
export type ImageTab = (typeof IMAGE_TABS)[number]
export type SettingsTab = (typeof SETTINGS_TABS)[number]
export type BuildTab = (typeof BUILD_TABS)[number]
export type Page = (typeof PAGES)[number]

/** Where the window is: a page, and on some pages an open object and its tab. */
export type Route =
  | { page: 'home' | 'activity' }
  | { page: 'settings'; tab?: SettingsTab; id?: string }
  | { page: 'volumes' | 'networks'; id?: string }
  | { page: 'containers'; id?: string; tab?: ContainerTab }
  | { page: 'images'; id?: string; tab?: ImageTab }
  | { page: 'builds'; id?: string; tab?: BuildTab }

const member = <T extends string>(all: readonly T[], value: string | undefined): T | undefined =>
  all.find((item) => item === value)

/** Reads `#/containers/ID/logs`. What is not a place of ours is Home. */
export function parseRoute(hash: string): Route {
  const [page, id, tab] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => safeDecode(part))
  const object = id === undefined || id === '' ? {} : { id }
  switch (member(PAGES, page)) {
    case 'containers':
      return { page: 'containers', ...object, ...(object.id && { tab: member(CONTAINER_TABS, tab) ?? 'summary' }) }
    case 'images':
      return { page: 'images', ...object, ...(object.id && { tab: member(IMAGE_TABS, tab) ?? 'layers' }) }
    case 'builds':
      return { page: 'builds', ...object, ...(object.id && { tab: member(BUILD_TABS, tab) ?? 'studio' }) }
    case 'volumes':
      return { page: 'volumes', ...object }
    case 'networks':
      return { page: 'networks', ...object }
    case 'activity':
      return { page: 'activity' }
    case 'settings':
      return settingsRoute(id, tab)
    default:
      return { page: 'home' }
  }
}

/** The settings are sorted by tabs first: `#/settings/registries/ghcr.io`. */
function settingsRoute(typed: string | undefined, id: string | undefined): Route {
  const tab = member(SETTINGS_TABS, typed)
  return { page: 'settings', ...(tab && { tab }), ...(tab && id && { id }) }
}

export function formatRoute(route: Route): string {
  const parts: (string | undefined)[] = route.page === 'settings' ? [route.page, route.tab, route.id] : [route.page, 'id' in route ? route.id : undefined, 'tab' in route ? route.tab : undefined]
  return `#/${parts.filter((part) => part !== undefined).map(encodeURIComponent).join('/')}`
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
