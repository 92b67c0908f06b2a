import type { BlobProgress, Lapse, PullProgress } from '$lib/ipc/client'

export type PartKind = 'download' | 'verify' | 'unpack'

export interface Part {
  kind: PartKind
  /** Percent of the shown time. */
  left: number
  width: number
}

export interface BlobRow {
  blob: BlobProgress
  parts: Part[]
  /** What is still to come of a download, if its end can be told from its speed. */
  expected: { left: number; width: number } | null
}

export interface Waterfall {
  rows: BlobRow[]
  totalUsec: number
  ticksUsec: number[]
  /** Percent; where "now" is. */
  now: number
}

const SECOND = 1_000_000
const MAX_TICKS = 6
const NICE = [1, 2, 5]

/** The end of a running download at its speed so far. */
function expectedEnd({ download, downloadedBytes, sizeBytes }: BlobProgress, elapsedUsec: number): number | null {
  if (download === null || download.endUsec !== null || downloadedBytes === 0) return null
  const took = elapsedUsec - download.startUsec
  return download.startUsec + (took * sizeBytes) / downloadedBytes
}

/** Round seconds, or round parts of one when everything is quick. */
function scale(endUsec: number): { totalUsec: number; ticksUsec: number[] } {
  let power = 1_000
  for (;;) {
    const distance = NICE.map((nice) => nice * power).find((nice) => endUsec / nice <= MAX_TICKS)
    if (distance !== undefined) {
      const steps = Math.max(1, Math.ceil(endUsec / distance))
      return { totalUsec: steps * distance, ticksUsec: Array.from({ length: steps + 1 }, (_, index) => index * distance) }
    }
    power *= 10
  }
}

/** Top layer first, as they lie in the jar; the config, which has no number, last. */
const byLayer = (a: BlobProgress, b: BlobProgress): number => (b.layer ?? 0) - (a.layer ?? 0)

export function waterfall(progress: PullProgress): Waterfall {
  const { elapsedUsec, blobs } = progress
  const ends = blobs.map((blob) => expectedEnd(blob, elapsedUsec) ?? 0)
  // A stalled download would stretch the scale without end; four times the time so far is far enough ahead.
  const horizon = Math.min(Math.max(elapsedUsec, ...ends), Math.max(elapsedUsec * 4, SECOND))
  const { totalUsec, ticksUsec } = scale(horizon)
  const percent = (usec: number): number => Math.min((usec / totalUsec) * 100, 100)
  const part = (kind: PartKind, lapse: Lapse | null): Part[] => {
    if (lapse === null) return []
    const left = percent(lapse.startUsec)
    return [{ kind, left, width: percent(lapse.endUsec ?? elapsedUsec) - left }]
  }
  const now = percent(elapsedUsec)
  const rows = blobs.toSorted(byLayer).map((blob) => {
    const end = expectedEnd(blob, elapsedUsec)
    return {
      blob,
      parts: [...part('download', blob.download), ...part('verify', blob.verify), ...part('unpack', blob.unpack)],
      expected: end === null ? null : { left: now, width: Math.max(percent(end) - now, 0) },
    }
  })
  return { rows, totalUsec, ticksUsec, now }
}

/** Bytes per second so far, and how long the rest takes at that speed. */
export function speed({ downloadedBytes, toDownloadBytes, elapsedUsec }: PullProgress): { bytesPerS: number; leftS: number } | null {
  if (downloadedBytes === 0 || elapsedUsec === 0) return null
  const bytesPerS = downloadedBytes / (elapsedUsec / SECOND)
  return { bytesPerS, leftS: Math.ceil((toDownloadBytes - downloadedBytes) / bytesPerS) }
}
