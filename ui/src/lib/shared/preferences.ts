import { LANGUAGES, type Language } from './i18n/index.svelte'

export const THEMES = ['system', 'dark', 'light'] as const
export const MOTIONS = ['system', 'reduced', 'full'] as const
export const CONTRASTS = ['system', 'normal', 'more'] as const
export const TEXT_SIZES = [100, 120, 140] as const

/** What the person at this window chose; kept by the web view, not by the engine. */
export interface Preferences {
  language: Language | 'system'
  theme: (typeof THEMES)[number]
  motion: (typeof MOTIONS)[number]
  contrast: (typeof CONTRASTS)[number]
  textSize: (typeof TEXT_SIZES)[number]
}

const DEFAULTS: Preferences = { language: 'system', theme: 'system', motion: 'system', contrast: 'system', textSize: 100 }

/** Takes what is known and valid from stored text; anything else falls back to its default. */
export function parsePreferences(stored: string | null): Preferences {
  let raw: Partial<Record<keyof Preferences, unknown>> = {}
  try {
    const parsed: unknown = JSON.parse(stored ?? '{}')
    if (parsed !== null && typeof parsed === 'object') raw = parsed
  } catch {
    // Damaged storage is the same as none.
  }
  const pick = <T>(value: unknown, allowed: readonly T[], fallback: T): T =>
    allowed.includes(value as T) ? (value as T) : fallback
  return {
    language: pick(raw.language, ['system', ...LANGUAGES], DEFAULTS.language),
    theme: pick(raw.theme, THEMES, DEFAULTS.theme),
    motion: pick(raw.motion, MOTIONS, DEFAULTS.motion),
    contrast: pick(raw.contrast, CONTRASTS, DEFAULTS.contrast),
    textSize: pick(raw.textSize, TEXT_SIZES, DEFAULTS.textSize),
  }
}
