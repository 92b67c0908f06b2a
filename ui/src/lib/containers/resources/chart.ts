import type { Incident, Sample } from '$lib/ipc/client'

export const RANGES_S = [60, 600, 3_600, 21_600, 86_400] as const
export type RangeS = (typeof RANGES_S)[number]

/** Points of one chart; the engine thins the rest out. */
export const POINTS = 300

/** How often a range is asked for anew: as often as a point of it can change, and never more than once a second. */
export const refreshMs = (range: RangeS): number => Math.max(1_000, (range / POINTS) * 1_000)

export type Metric = 'cpu' | 'memory' | 'block' | 'network' | 'pids'
export const METRICS: readonly Metric[] = ['cpu', 'memory', 'block', 'network', 'pids']

interface Shape {
  /** One line, or a pair around zero. */
  lines: { key: keyof Sample; color: `--chart-${string}`; sign: 1 | -1 }[]
  unit: 'percent' | 'bytes' | 'rate' | 'count'
}

export const SHAPES: Record<Metric, Shape> = {
  cpu: { lines: [{ key: 'cpuPercent', color: '--chart-cpu', sign: 1 }], unit: 'percent' },
  memory: { lines: [{ key: 'memoryBytes', color: '--chart-mem', sign: 1 }], unit: 'bytes' },
  block: {
    lines: [
      { key: 'blockReadBytesPerS', color: '--chart-read', sign: 1 },
      { key: 'blockWriteBytesPerS', color: '--chart-write', sign: -1 },
    ],
    unit: 'rate',
  },
  network: {
    lines: [
      { key: 'netInBytesPerS', color: '--chart-rx', sign: 1 },
      { key: 'netOutBytesPerS', color: '--chart-tx', sign: -1 },
    ],
    unit: 'rate',
  },
  pids: { lines: [{ key: 'pids', color: '--chart-pids', sign: 1 }], unit: 'count' },
}

export interface ChartModel {
  /** Seconds since the epoch. */
  x: number[]
  /** Signed values by line; a gap is null. */
  ys: (number | null)[][]
  /** The ends of the scale. */
  range: [number, number]
  limit: number | null
}

/** The least height of a scale, so that noise near zero stays flat. */
const LEAST: Record<Shape['unit'], number> = { percent: 5, bytes: 1_048_576, rate: 1_024, count: 4 }
const HEADROOM = 1.12
/** A limit that is much higher than the use would flatten the line; it is told as a number then. */
const LIMIT_IN_SIGHT = 4

function limitOf(metric: Metric, last: Sample | undefined, cpuLimit: number | null): number | null {
  if (metric === 'cpu') return cpuLimit
  if (metric === 'memory') return last?.memoryLimitBytes ?? null
  return metric === 'pids' ? (last?.pidsLimit ?? null) : null
}

/** Turns samples into the lines of one chart. */
export function chartModel(metric: Metric, samples: readonly Sample[], cpuLimit: number | null): ChartModel {
  const { lines, unit } = SHAPES[metric]
  const ys = lines.map(({ key, sign }) => samples.map((sample) => sign * Number(sample[key] ?? 0)))
  const limit = limitOf(metric, samples.at(-1), cpuLimit)
  const highest = Math.max(LEAST[unit], ...ys.flat().map(Math.abs))
  const shownLimit = limit !== null && limit <= highest * LIMIT_IN_SIGHT ? limit : null
  const top = Math.max(highest, shownLimit ?? 0) * HEADROOM
  const mirrored = lines.some(({ sign }) => sign === -1)
  return { x: samples.map(({ atMs }) => atMs / 1_000), ys, range: [mirrored ? -top : 0, top], limit: shownLimit }
}

/** The incidents that a chart draws over its lines. */
export function incidentsOf(metric: Metric, incidents: readonly Incident[]): readonly Incident[] {
  if (metric === 'cpu') return incidents.filter(({ kind }) => kind === 'throttled')
  return metric === 'memory' ? incidents.filter(({ kind }) => kind === 'oomKill') : []
}
