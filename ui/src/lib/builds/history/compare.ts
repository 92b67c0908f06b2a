import type { BuildRecord, BuildStep } from '$lib/ipc/client'

/** A step of a build beside the one that was most like it in another. */
export interface Pair {
  step: BuildStep
  before: BuildStep | null
  /** How much longer it took; nothing where one of them did not run. */
  slowerUsec: number | null
}

export interface Comparison {
  pairs: Pair[]
  /** Lines that are not there any more. */
  gone: string[]
  sameText: boolean
}

/** Puts the steps of two builds beside each other: equal lines first, in the order of the file. */
export function compare(record: BuildRecord, before: BuildRecord | null): Comparison {
  const left = [...(before?.steps ?? [])]
  const pairs = record.steps.map((step): Pair => {
    const index = left.findIndex(({ line }) => line === step.line)
    const other = index === -1 ? null : (left.splice(index, 1)[0] ?? null)
    const comparable = step.usec !== null && other?.usec != null
    return { step, before: other, slowerUsec: comparable ? (step.usec ?? 0) - (other.usec ?? 0) : null }
  })
  return { pairs, gone: left.map(({ line }) => line), sameText: record.dockerfile === before?.dockerfile }
}
