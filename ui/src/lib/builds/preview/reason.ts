import type { Block, StepForecast, StepReason } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

/** The name of a part of a step: `env NAME` becomes "The variable NAME". */
function partName(name: string): string {
  const parts: Record<string, string> = t.preview.parts
  if (name.startsWith('env ')) return t.preview.variable(name.slice(4))
  if (name.startsWith('mount ')) return t.preview.mount(name.slice(6))
  return parts[name] ?? name
}

/** Why a step runs, in one sentence. */
export function reasonText(reason: StepReason, blocks: readonly Block[]): string {
  const texts = t.preview.reasons
  switch (reason.kind) {
    case 'below':
      return texts.below(shortLine(blocks[reason.node]?.line ?? ''))
    case 'stage':
      return texts.stage(reason.name)
    case 'files':
      return texts.files(reason.changed, reason.total)
    case 'part':
      if (reason.name === 'command') return texts.command
      if (reason.before === null) return texts.partAdded(partName(reason.name))
      return reason.after === null ? texts.partRemoved(partName(reason.name)) : texts.part(partName(reason.name))
    default:
      return texts[reason.kind]
  }
}

/** What is to be said of a step that is looked at. */
export function explanation(step: StepForecast, blocks: readonly Block[]): { title: string; text: string } {
  const { preview } = t
  switch (step.fate) {
    case 'runs':
      return { title: preview.why, text: step.reason ? reasonText(step.reason, blocks) : preview.reasons.new }
    case 'cached':
      return { title: preview.whyCached, text: preview.cachedText }
    case 'fails':
      return { title: preview.fates.fails, text: preview.failsText }
    case 'unneeded':
      return { title: preview.fates.unneeded, text: preview.unneededText }
    case 'unknown':
      return { title: preview.fates.unknown, text: preview.unknownText }
    default:
      return { title: preview.fates.settings, text: preview.settingsText }
  }
}

const SHORT = 40

export const shortLine = (line: string): string => (line.length > SHORT ? `${line.slice(0, SHORT)}…` : line)
