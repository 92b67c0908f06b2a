import { asEngineError } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import type { Problem } from '$lib/shared/loading'

/** Tells an error of the engine in the language of the window; the engine's own words become its first cause. */
export function problemOf(thrown: unknown): Problem {
  const { code, message, causes, hint } = asEngineError(thrown)
  return { code, message: t.errors[code], causes: [message, ...causes], hint }
}
