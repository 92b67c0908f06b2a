import type uPlot from 'uplot'
import { scaled, token } from '../tokens'
import { drawBands, drawLimit } from './overlay'
import type { TimeChartData } from './TimeChart.svelte'

interface Setup {
  width: number
  height: number
  group: string
  format: (value: number) => string
  /** Writes the times under the chart; of charts that share an axis, the last one does. */
  timeAxis: boolean
  onhover: (index: number | null) => void
  data: () => TimeChartData
}

const FONT_PX = 11
const AXIS_WIDTH = 68
const AXIS_HEIGHT = 24
/** The part of the axis at each end in which a time would be cut. */
const EDGE = 0.04
/** A range up to this is read in seconds. */
const SHORT_S = 120
const MARGIN_PX = 6
const LABEL_GAP_PX = 6
const LINE_WIDTH = 1.5

/** `rgb` of a token with the opacity of a chart's fill. */
function fillOf(color: string): string {
  const opacity = Number(token('--chart-fill')) || 0.15
  return `color-mix(in srgb, ${color} ${opacity * 100}%, transparent)`
}

/** Canvases of WebKitGTK do not read `color-mix`, so an element resolves it first. */
function resolved(color: string): string {
  const probe = document.createElement('span')
  probe.style.color = color
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}

/** How near a number of the axis may come to the limit, which has a number of its own there. */
const NEAR_LIMIT = 0.08

/** Three numbers at most: the ends and the middle say enough. */
function splits({ range: [low, high], limit }: TimeChartData): number[] {
  const top = high / 1.12
  const all = low < 0 ? [-top, 0, top] : [0, top / 2, top]
  return all.filter((value) => limit === null || Math.abs(value - limit) > high * NEAR_LIMIT)
}

/** The time at a line of the grid; at the edges there is no room for it. */
function timeLabel(seconds: number, { from, to }: TimeChartData): string {
  const place = (seconds - from) / (to - from)
  return place < EDGE || place > 1 - EDGE ? '' : timeText(seconds, to - from <= SHORT_S)
}

/** `14:32`, or with seconds when the whole axis is a few minutes long. */
function timeText(seconds: number, withSeconds: boolean): string {
  return new Date(seconds * 1_000).toTimeString().slice(0, withSeconds ? 8 : 5)
}

export function chartOptions({ width, height, group, format, timeAxis, onhover, data }: Setup): uPlot.Options {
  const { colors } = data()
  const grid = { stroke: token('--chart-grid'), width: 1 }
  const font = `${scaled(FONT_PX)}px ${token('--font-ui')}`
  return {
    width,
    height,
    padding: [MARGIN_PX, 0, MARGIN_PX, 0],
    legend: { show: false },
    cursor: { sync: { key: group, setSeries: false }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, auto: false }, y: { auto: false, range: () => data().range } },
    axes: [
      {
        size: timeAxis ? scaled(AXIS_HEIGHT) : 0,
        stroke: token('--text-3'),
        font,
        grid,
        ticks: { show: false },
        values: (_plot, values) => (timeAxis ? values.map((value) => timeLabel(value, data())) : []),
      },
      { side: 1, size: scaled(AXIS_WIDTH), gap: LABEL_GAP_PX, stroke: token('--text-3'), font, grid, ticks: { show: false }, splits: () => splits(data()), values: (_plot, values) => values.map((value) => (value === 0 ? '0' : format(Math.abs(value)))) },
    ],
    series: [
      {},
      ...colors.map((name) => {
        const stroke = token(name)
        return { stroke, width: LINE_WIDTH, fill: resolved(fillOf(stroke)), fillTo: 0, points: { show: false }, spanGaps: false }
      }),
    ],
    hooks: {
      setCursor: [(plot) => onhover(plot.cursor.idx ?? null)],
      draw: [
        (plot) => drawBands(plot, data().bands),
        (plot) => drawLimit(plot, data().limit, format),
      ],
    },
  }
}

/** Shows the whole range, also the part of it for which there are no samples. */
export function setTime(plot: uPlot, { from, to }: TimeChartData): void {
  plot.setScale('x', { min: from, max: to })
}
