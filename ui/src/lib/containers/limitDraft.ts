import type { LimitKind, Limits } from '$lib/ipc/client'
import { cpuLimitPercent, NO_LIMITS } from './limits'

/** The three limits that the window asks for, as text that is still being typed; empty is unlimited. */
export interface LimitDraft {
  memoryMiB: string
  cpus: string
  pids: string
}

const MIN_MEMORY_MIB = 6
const BYTES_PER_MIB = 1_048_576
const NANOS = 1e9

export type LimitErrors = Partial<Record<keyof LimitDraft, 'memory' | 'cpus' | 'pids'>>

/** The least memory with which a process can start. */
export const leastMemoryMiB = MIN_MEMORY_MIB

export function limitErrors({ memoryMiB, cpus, pids }: LimitDraft): LimitErrors {
  return {
    ...(memoryMiB !== '' && !(Number(memoryMiB) >= MIN_MEMORY_MIB) && { memoryMiB: 'memory' as const }),
    ...(cpus !== '' && !(Number(cpus) > 0) && { cpus: 'cpus' as const }),
    ...(pids !== '' && !(Number.isInteger(Number(pids)) && Number(pids) > 0) && { pids: 'pids' as const }),
  }
}

export function draftOf(limits: Limits): LimitDraft {
  const cpu = cpuLimitPercent(limits)
  return {
    memoryMiB: limits.memoryBytes === null ? '' : String(Number((limits.memoryBytes / BYTES_PER_MIB).toFixed(2))),
    cpus: cpu === null ? '' : String(cpu / 100),
    pids: limits.pids === null ? '' : String(limits.pids),
  }
}

/** The limits of a draft without errors. */
export function limitsOf({ memoryMiB, cpus, pids }: LimitDraft): Limits {
  return {
    ...NO_LIMITS,
    memoryBytes: memoryMiB === '' ? null : Math.round(Number(memoryMiB) * BYTES_PER_MIB),
    nanoCpus: cpus === '' ? null : Math.round(Number(cpus) * NANOS),
    pids: pids === '' ? null : Number(pids),
  }
}

/** Only what differs: to the engine an absent limit stays as it is. */
export function changedLimits(before: LimitDraft, after: LimitDraft): Limits {
  const wanted = limitsOf(after)
  return {
    ...NO_LIMITS,
    memoryBytes: after.memoryMiB === before.memoryMiB ? null : wanted.memoryBytes,
    nanoCpus: after.cpus === before.cpus ? null : wanted.nanoCpus,
    pids: after.pids === before.pids ? null : wanted.pids,
  }
}

const KINDS: readonly (readonly [keyof LimitDraft, LimitKind])[] = [['memoryMiB', 'memory'], ['cpus', 'cpu'], ['pids', 'pids']]

/** What was there and shall be no more; a changed limit also replaces one that was set in other words. */
export const liftedLimits = (before: LimitDraft, after: LimitDraft): LimitKind[] =>
  KINDS.filter(([field]) => before[field] !== '' && after[field] !== before[field]).map(([, kind]) => kind)
