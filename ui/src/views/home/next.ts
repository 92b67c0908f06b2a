import { alive, failed } from '$lib/containers/state'
import type { ContainerSummary } from '$lib/ipc/client'
import type { ContainerTab } from '$lib/shared/route'

export type Next = 'readLog' | 'start' | 'limitMemory' | 'lookInside' | 'signals' | 'timeline'

export interface NextStep {
  what: Next
  container: ContainerSummary
  tab: ContainerTab
}

const SHOWN = 4

/** What is worth doing now, the most pressing first; each thing once, with the container that it concerns most. */
export function nextSteps(containers: readonly ContainerSummary[]): NextStep[] {
  const running = containers.filter(alive)
  const wishes: readonly [Next, ContainerTab, ContainerSummary | undefined][] = [
    ['readLog', 'logs', containers.find(failed)],
    ['start', 'summary', running.length === 0 ? containers.find((container) => !failed(container)) : undefined],
    ['limitMemory', 'isolation', running.find(({ limits }) => limits.memoryBytes === null)],
    ['lookInside', 'isolation', running[0]],
    ['signals', 'processes', running[0]],
    ['timeline', 'timeline', running[0] ?? containers.find(({ startedAtMs }) => startedAtMs !== null)],
  ]
  return wishes.flatMap(([what, tab, container]) => (container ? [{ what, tab, container }] : [])).slice(0, SHOWN)
}
