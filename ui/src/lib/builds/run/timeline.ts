import type { BuildStep } from '$lib/ipc/client'

/** A bar of the time axis, in percent of its width. */
export interface Bar {
  left: number
  width: number
}

/** A bar that is too short to be seen is this wide. */
const THINNEST = 0.6

/** From the start of the build to now, or to its end. */
export function wholeUsec(steps: Iterable<BuildStep>, elapsedUsec: number): number {
  const ends = [...steps].map(({ startUsec, usec }) => (startUsec ?? 0) + (usec ?? 0))
  return Math.max(1, elapsedUsec, ...ends)
}

/** Where a step stands on the axis; a running one goes on to now. */
export function barOf({ startUsec, usec, state }: BuildStep, whole: number, elapsedUsec: number): Bar | null {
  if (startUsec === null) return null
  const end = state === 'running' ? Math.max(elapsedUsec, startUsec) : startUsec + (usec ?? 0)
  const left = (startUsec / whole) * 100
  return { left: Math.min(left, 100 - THINNEST), width: Math.min(Math.max(((end - startUsec) / whole) * 100, THINNEST), 100 - Math.min(left, 100 - THINNEST)) }
}
