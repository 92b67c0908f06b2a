import type { Sample } from '$lib/ipc/client'
import { bytes, bytesQuantity, count, percent, percentQuantity, rate, type Quantity } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'
import { SHAPES, type Metric } from './chart'

export interface Figures {
  value: Quantity
  /** "of 150": the limit, when there is one. */
  of: string
  lines: { label: string; text: string; color?: `--chart-${string}` }[]
}

const perSecond = (quantity: Quantity): Quantity => ({ ...quantity, unit: `${quantity.unit}/s` })

/** What stands beside a chart for one moment. */
export function figures(metric: Metric, sample: Sample, cpuLimit: number | null): Figures {
  const r = t.resources
  switch (metric) {
    case 'cpu':
      return {
        value: percentQuantity(sample.cpuPercent),
        of: cpuLimit === null ? '' : r.of(percent(cpuLimit)),
        lines: sample.throttledPercent > 0 ? [{ label: r.throttled, text: percent(sample.throttledPercent) }] : [],
      }
    case 'memory':
      return {
        value: bytesQuantity(sample.memoryBytes),
        of: sample.memoryLimitBytes === null ? '' : r.of(bytes(sample.memoryLimitBytes)),
        lines: [{ label: r.cache, text: bytes(sample.cacheBytes) }],
      }
    case 'block':
      return {
        value: perSecond(bytesQuantity(sample.blockReadBytesPerS + sample.blockWriteBytesPerS)),
        of: '',
        lines: [
          { label: r.read, text: rate(sample.blockReadBytesPerS), color: '--chart-read' },
          { label: r.write, text: rate(sample.blockWriteBytesPerS), color: '--chart-write' },
        ],
      }
    case 'network':
      return {
        value: perSecond(bytesQuantity(sample.netInBytesPerS + sample.netOutBytesPerS)),
        of: '',
        lines: [
          { label: r.received, text: rate(sample.netInBytesPerS), color: '--chart-rx' },
          { label: r.sent, text: rate(sample.netOutBytesPerS), color: '--chart-tx' },
        ],
      }
    case 'pids':
      return { value: { value: count(sample.pids), unit: '' }, of: sample.pidsLimit === null ? '' : r.of(count(sample.pidsLimit)), lines: [] }
  }
}

const FORMATS = { percent, bytes, rate, count: (value: number) => count(Math.round(value)) }

/** How the numbers of a chart's axis are written. */
export const formatOf = (metric: Metric): ((value: number) => string) => FORMATS[SHAPES[metric].unit]

/** The chart in a sentence: its last, lowest and highest value. */
export function summaryText(metric: Metric, samples: readonly Sample[]): string {
  const format = formatOf(metric)
  return SHAPES[metric].lines
    .map(({ key }) => {
      const values = samples.map((sample) => Number(sample[key] ?? 0))
      return t.resources.summary(t.resources.metrics[metric], format(values.at(-1) ?? 0), format(Math.min(...values)), format(Math.max(...values)))
    })
    .join(' ')
}
