import type uPlot from 'uplot'
import { scaled, token } from '../tokens'
import type { Band } from './TimeChart.svelte'

const FONT_PX = 11
const HATCH_PX = 6
const MARK_PX = 6
const LINE_PX = 3
const LABEL_GAP_PX = 6
/** A stretch narrower than this would not be seen. */
const MIN_BAND_PX = 3

const ratio = (): number => devicePixelRatio || 1

function font(): string {
  return `${Math.round(scaled(FONT_PX) * ratio())}px ${token('--font-ui')}`
}

/** A dashed line at the limit, with its number beside the axis. */
export function drawLimit(plot: uPlot, limit: number | null, format: (value: number) => string): void {
  if (limit === null) return
  const { ctx, bbox } = plot
  const y = Math.round(plot.valToPos(limit, 'y', true))
  ctx.save()
  ctx.strokeStyle = token('--chart-limit')
  ctx.fillStyle = token('--chart-limit')
  ctx.lineWidth = ratio()
  ctx.setLineDash([5 * ratio(), 4 * ratio()])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.font = font()
  ctx.textAlign = 'left'
  ctx.textBaseline = 'middle'
  ctx.fillText(format(limit), bbox.left + bbox.width + LABEL_GAP_PX * ratio(), y)
  ctx.restore()
}

function hatch(ctx: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  const step = HATCH_PX * ratio()
  ctx.beginPath()
  ctx.rect(x, y, width, height)
  ctx.clip()
  ctx.beginPath()
  for (let at = x - height; at < x + width; at += step) {
    ctx.moveTo(at, y + height)
    ctx.lineTo(at + height, y)
  }
  ctx.stroke()
}

function drawStretch(plot: uPlot, { from, to, label }: Band): void {
  const { ctx, bbox } = plot
  const left = Math.max(plot.valToPos(from, 'x', true), bbox.left)
  const width = Math.max(Math.min(plot.valToPos(to, 'x', true), bbox.left + bbox.width) - left, MIN_BAND_PX * ratio())
  ctx.save()
  ctx.strokeStyle = token('--paused')
  ctx.globalAlpha = 0.4
  ctx.lineWidth = ratio()
  hatch(ctx, left, bbox.top, width, bbox.height)
  ctx.globalAlpha = 1
  ctx.fillStyle = token('--paused')
  ctx.fillRect(left, bbox.top + bbox.height - LINE_PX * ratio(), width, LINE_PX * ratio())
  ctx.font = font()
  ctx.textBaseline = 'bottom'
  // The word is clipped to its stretch; the list under the charts has it in any case.
  if (ctx.measureText(label).width + 8 * ratio() < width) ctx.fillText(label, left + 4 * ratio(), bbox.top + bbox.height - 5 * ratio())
  ctx.restore()
}

function drawMoment(plot: uPlot, { from, label }: Band): void {
  const { ctx, bbox } = plot
  const x = plot.valToPos(from, 'x', true)
  const size = MARK_PX * ratio()
  ctx.save()
  ctx.fillStyle = token('--failed')
  ctx.beginPath()
  ctx.moveTo(x, bbox.top)
  ctx.lineTo(x + size, bbox.top + 2 * size)
  ctx.lineTo(x - size, bbox.top + 2 * size)
  ctx.fill()
  ctx.font = font()
  ctx.textBaseline = 'top'
  const right = x + size + 4 * ratio() + ctx.measureText(label).width > bbox.left + bbox.width
  ctx.textAlign = right ? 'right' : 'left'
  ctx.fillText(label, x + (right ? -1 : 1) * (size + 4 * ratio()), bbox.top + 2 * ratio())
  ctx.restore()
}

/** Hatched stretches and red triangles, each with its word. */
export function drawBands(plot: uPlot, bands: readonly Band[]): void {
  for (const band of bands) {
    if (band.kind === 'moment') drawMoment(plot, band)
    else drawStretch(plot, band)
  }
}
