import type { ContainerSummary } from '$lib/ipc/client'
import { active, portTexts } from './state'

export const FILTERS = ['all', 'running', 'stopped'] as const
export type Filter = (typeof FILTERS)[number]

const passes: Record<Filter, (container: ContainerSummary) => boolean> = {
  all: () => true,
  running: active,
  stopped: (container) => !active(container),
}

function text(container: ContainerSummary): string {
  return [container.name, container.image, container.id, ...portTexts(container.ports)].join('\n').toLowerCase()
}

/** The containers that a list shows: every word of the search must be found somewhere. */
export function search(containers: readonly ContainerSummary[], filter: Filter, query: string): ContainerSummary[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return containers.filter((container) => {
    if (!passes[filter](container)) return false
    if (words.length === 0) return true
    const haystack = text(container)
    return words.every((word) => haystack.includes(word))
  })
}

export const countOf = (containers: readonly ContainerSummary[], filter: Filter): number =>
  containers.filter(passes[filter]).length
