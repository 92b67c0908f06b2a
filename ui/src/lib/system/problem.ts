import { asEngineError, type Advice, type Check } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import type { Problem } from '$lib/shared/loading'
import { toldCause } from './told'

/** Tells an error of the engine in the language of the window; the engine's own words become its first cause. */
export function problemOf(thrown: unknown): Problem {
  const { code, message, causes, hint, advice } = asEngineError(thrown)
  return { code, message: t.errors[code], causes: [message, ...causes].map(toldCause), hint: advised(advice) ?? hint }
}

/** The hint in the language of the window; a code that is newer than our texts leaves the engine's own words. */
export const advised = (advice: Advice | null | undefined): string | undefined => said(t.hints, advice)

/** What a check of the machine found, in the language of the window. */
export const findingText = ({ finding, detail }: Pick<Check, 'finding' | 'detail'>): string => said(t.findings, finding) ?? detail

function said(texts: Record<string, string>, advice: Advice | null | undefined): string | undefined {
  if (!advice) return undefined
  const values = advice.values.values()
  return texts[advice.code]?.replaceAll('{}', () => values.next().value ?? '')
}
