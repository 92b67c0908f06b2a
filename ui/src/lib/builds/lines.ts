import type { BuildStep, StepFate } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { strata, type Stratum } from '$lib/shared/strata'
import { overview } from '$lib/system/overview.svelte'
import type { Studio } from './studio.svelte'
import type { LineFate } from './text/glyph'
import type { Failure, LineMark } from './text/marks'

/** So many lines of output stand under a line that failed. */
const OUTPUT_LINES = 8

const STEP_FATES: Record<BuildStep['state'], LineFate> = {
  waiting: 'waiting',
  running: 'running',
  cached: 'cached',
  done: 'done',
  failed: 'failed',
  canceled: 'waiting',
}

const FORECAST_FATES: Record<StepFate, LineFate | null> = {
  cached: 'cached',
  runs: 'runs',
  fails: 'failed',
  unneeded: 'unneeded',
  settings: null,
  unknown: null,
}

/** The color of each instruction's layer: that of the layer it made last, else one by its place. */
export function layerColors(studio: Studio): Map<number, Stratum> {
  const layered = studio.model?.blocks.filter(({ makesLayer, keyword }) => makesLayer || keyword === 'FROM') ?? []
  const image = overview.images.find(({ id }) => id === studio.built?.summary.image)
  const chains = image?.layers.map(({ chainId }) => chainId) ?? []
  const known = new Map(chains.map((chain, index) => [chain, strata(chains)[index]]))
  const made = new Map(studio.built?.steps.map((step) => [step.line, known.get(step.layer?.chainId ?? '')]) ?? [])
  const fresh = strata(layered.map(({ node }) => `${node}`))
  return new Map(layered.map(({ node, line }, index) => [node, made.get(line) ?? fresh[index] ?? 1]))
}

/** What happens to an instruction: in the build that is shown, else in the forecast. */
export function fateOf(studio: Studio, node: number): { fate: LineFate | null; label: string } {
  const step = studio.showsRun ? studio.run?.steps.get(node) : undefined
  // A build tells nothing of a line that was edited since.
  if (step && step.line === studio.model?.blocks[node]?.line) return { fate: STEP_FATES[step.state], label: t.builds.states_steps[step.state] }
  const forecast = studio.forecast?.steps.find((step) => step.node === node)
  if (!forecast) return { fate: null, label: '' }
  return { fate: FORECAST_FATES[forecast.fate], label: t.preview.fates[forecast.fate] }
}

export function lineMarks(studio: Studio): LineMark[] {
  const colors = layerColors(studio)
  const blocks = studio.model?.blocks ?? []
  return blocks.map(({ node, firstLine, lastLine }) => ({ firstLine, lastLine, stratum: colors.get(node) ?? null, ...fateOf(studio, node) }))
}

/** The failure of the build that is shown, or the one that is foreseen, for its line. */
export function failureOf(studio: Studio): Failure | null {
  const step = studio.showsRun ? studio.run?.failed : undefined
  if (step && studio.run) {
    const lines = studio.run.lines.get(step.node)?.slice(-OUTPUT_LINES) ?? []
    const code = step.exitCode === null ? '' : ` · ${t.run.exit(step.exitCode)}`
    const cause = lines.length > 0 ? '' : (studio.run.summary?.error?.causes.at(-1) ?? '')
    const line = studio.model?.blocks.find(({ line }) => line === step.line)?.lastLine
    if (line === undefined) return null
    return { line, title: `${t.run.failedAt(step.firstLine)}${code}`, output: lines.map(({ text }) => text).join('\n') || cause }
  }
  const { forecast, model } = studio
  const block = model?.blocks.find(({ node }) => node === forecast?.problemNode)
  if (studio.showsRun || !studio.forecastFresh || !block || !forecast?.problem || studio.errors > 0) return null
  const { causes, message, hint } = forecast.problem
  return { line: block.lastLine, title: t.preview.failsText, output: [causes[0] ?? message, hint].filter(Boolean).join('\n') }
}
