import type { LimitKind, Limits } from '$lib/ipc/client'
import { NO_LIMITS } from '../limits'

/** Positions of a slider: the last one takes the limit away. */
export const STEPS = 200
const LAST_LIMIT = STEPS - 4

const MIB = 1_048_576
/** The least that is offered: with less, no process starts. */
const LEAST: Record<LimitKind, number> = { memory: 6 * MIB, cpu: 10_000_000, pids: 1 }
/** More processes than this are no limit that anybody means. */
const MOST_PIDS = 32_768

const most = (kind: LimitKind, machine: number): number => Math.max(kind === 'pids' ? Math.min(machine, MOST_PIDS) : machine, LEAST[kind] * 2)

/** Three figures of a value, in the unit in which it is thought of. */
function rounded(kind: LimitKind, value: number): number {
  const unit = kind === 'memory' ? MIB : kind === 'cpu' ? 10_000_000 : 1
  const units = value / unit
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(units, 1))) - 1)
  return Math.max(LEAST[kind], Math.round(units / step) * step * unit)
}

/** The limit at a position; null takes it away. */
export function limitAt(kind: LimitKind, position: number, machine: number): number | null {
  if (position > LAST_LIMIT) return null
  const [low, high] = [Math.log(LEAST[kind]), Math.log(most(kind, machine))]
  if (position === LAST_LIMIT) return most(kind, machine)
  return Math.min(rounded(kind, Math.exp(low + (high - low) * (position / LAST_LIMIT))), most(kind, machine))
}

/** Where a limit stands; none at the very end. */
export const positionOf = (kind: LimitKind, limit: number | null, machine: number): number =>
  limit === null ? STEPS : Math.round(share(kind, limit, machine) * STEPS)

/** How far a value reaches on the same scale, from 0 to 1. */
export function share(kind: LimitKind, value: number, machine: number): number {
  if (value <= LEAST[kind]) return value > 0 ? 0.01 : 0
  const [low, high] = [Math.log(LEAST[kind]), Math.log(most(kind, machine))]
  return Math.min(((Math.log(value) - low) / (high - low)) * (LAST_LIMIT / STEPS), LAST_LIMIT / STEPS)
}

/** What to ask the engine for. The old limit is taken away in any case: it may have been set in other words. */
export function change(kind: LimitKind, limit: number | null): { limits: Limits; lift: LimitKind[] } {
  const field = { memory: 'memoryBytes', cpu: 'nanoCpus', pids: 'pids' } as const
  return { limits: limit === null ? NO_LIMITS : { ...NO_LIMITS, [field[kind]]: limit }, lift: [kind] }
}
