import type { ContainerSummary, PortBinding } from '$lib/ipc/client'
import type { Glyph } from '$lib/shared/components/StateGlyph.svelte'
import { ago, duration } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'

/** Codes of a process that was asked to end: SIGINT, SIGKILL, SIGTERM. */
const ASKED_TO_END = [0, 130, 137, 143]

export interface Described {
  glyph: Glyph
  /** The state in a word. */
  word: string
  /** Since when, or how it ended. */
  detail: string
}

/** Whether it ended in a way that nobody asked for. */
export function failed({ status, exit }: ContainerSummary): boolean {
  if (status !== 'stopped' || exit === null) return false
  return exit.oomKilled || exit.error !== null || !ASKED_TO_END.includes(exit.code)
}

function ended({ exit }: ContainerSummary, now: number): string {
  if (exit === null) return ''
  if (exit.oomKilled) return t.containers.oomExit(exit.code)
  return t.containers.exitDetail(exit.code, ago(exit.atMs, now))
}

const since = (then: number | null, now: number): string => (then === null ? '' : duration((now - then) / 1_000))

function running({ startedAtMs, health }: ContainerSummary, now: number): Described {
  const up = since(startedAtMs, now)
  if (health === null) return { glyph: 'running', word: t.containers.states.running, detail: up }
  // It runs, but not as it should: the shape says so as well.
  const glyph = health === 'unhealthy' ? 'failed' : health === 'starting' ? 'pending' : 'running'
  return { glyph, word: t.containers.states.running, detail: `${t.health.status[health]} · ${up}` }
}

/** The state in a word. */
export const stateWord = (container: ContainerSummary): string =>
  failed(container) ? t.containers.states.failed : t.containers.states[container.status]

export function describe(container: ContainerSummary, now: number): Described {
  const words = t.containers.states
  switch (container.status) {
    case 'creating':
      return { glyph: 'pending', word: words.creating, detail: since(container.createdAtMs, now) }
    case 'created':
      return { glyph: 'created', word: words.created, detail: ago(container.createdAtMs, now) }
    case 'running':
      return running(container, now)
    case 'paused':
      return { glyph: 'paused', word: words.paused, detail: since(container.startedAtMs, now) }
    case 'restarting':
      return { glyph: 'pending', word: words.restarting, detail: ended(container, now) }
    case 'stopped':
      return failed(container)
        ? { glyph: 'failed', word: words.failed, detail: ended(container, now) }
        : { glyph: 'exited', word: words.stopped, detail: ended(container, now) }
  }
}

/** Whether something of it goes on, be it only its restart policy. */
export const active = (container: ContainerSummary): boolean => alive(container) || container.status === 'restarting'

export const alive = ({ status }: ContainerSummary): boolean => status === 'running' || status === 'paused'

export function sprout({ status }: ContainerSummary): 'none' | 'growing' | 'frozen' {
  if (status === 'running') return 'growing'
  return status === 'paused' ? 'frozen' : 'none'
}

const ANY_ADDRESS = ['', '0.0.0.0', '::']

/** `8080 → 80`, with the address only when it is not every one. */
export function portText({ containerPort, hostPort, hostAddress, protocol }: PortBinding): string {
  const host = ANY_ADDRESS.includes(hostAddress) ? String(hostPort) : `${hostAddress}:${hostPort}`
  const suffix = protocol === 'tcp' ? '' : `/${protocol}`
  return `${host} → ${containerPort}${suffix}`
}

/** Each binding once: IPv4 and IPv6 of one port are one line. */
export const portTexts = (ports: readonly PortBinding[]): string[] => [...new Set(ports.map(portText))]

const SHORT_ID = 12
export const shortId = (id: string): string => id.slice(0, SHORT_ID)
