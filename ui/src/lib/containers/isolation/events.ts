import type { LimitEvents } from '$lib/ipc/client'

export const EVENT_KINDS = ['throttledPeriods', 'memoryLimitHits', 'oomKills', 'refusedForks'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

export interface LimitEvent {
  atMs: number
  kind: EventKind
  count: number
}

/** What happened between two readings. A counter that fell belongs to another run. */
export function newEvents(before: LimitEvents, after: LimitEvents, atMs: number): LimitEvent[] {
  return EVENT_KINDS.flatMap((kind) => {
    const [was, is] = [before[kind], after[kind]]
    return was !== null && is !== null && is > was ? [{ atMs, kind, count: is - was }] : []
  })
}

const NEAR_MS = 10_000
const KEPT = 30

/** Adds events, newest first. The same thing within some seconds is one line that counts on. */
export function withEvents(list: readonly LimitEvent[], added: readonly LimitEvent[]): LimitEvent[] {
  let merged = [...list]
  for (const event of added) {
    const near = merged.find(({ kind, atMs }) => kind === event.kind && event.atMs - atMs < NEAR_MS)
    merged = near ? merged.map((one) => (one === near ? { ...one, count: one.count + event.count } : one)) : [event, ...merged]
  }
  return merged.slice(0, KEPT)
}
