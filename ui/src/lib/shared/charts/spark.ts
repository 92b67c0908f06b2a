interface Box {
  width: number
  height: number
  /** How many values fill the width. */
  slots: number
  /** The value at the top. */
  max: number
}

export interface SparkPath {
  line: string
  area: string
  end: { x: number; y: number }
}

/** Room for the stroke at top and bottom. */
const MARGIN = 1.5

const round = (value: number): number => Math.round(value * 10) / 10

/** Lays values over a box, the newest at the right edge. Two values make the first line. */
export function sparkPath(values: readonly number[], { width, height, slots, max }: Box): SparkPath | null {
  if (values.length < 2) return null
  const shown = values.slice(-slots)
  const step = width / (slots - 1)
  const first = width - step * (shown.length - 1)
  const scale = (height - 2 * MARGIN) / Math.max(max, Number.EPSILON)
  const points = shown.map((value, index) => ({
    x: round(first + index * step),
    y: round(height - MARGIN - Math.min(value, max) * scale),
  }))
  const line = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('')
  const end = points[points.length - 1] ?? { x: width, y: height }
  return { line, area: `${line}L${end.x} ${height}L${points[0]?.x ?? 0} ${height}Z`, end }
}
