import { locale } from './i18n/index.svelte'

const made = new Map<string, unknown>()

/** A formatter of the current language: dear to make, cheap to use, so there is one of each kind. */
export function formatter<T>(kind: string, make: (language: string) => T): T {
  const language = locale.current
  const key = `${language} ${kind}`
  const known = made.get(key) as T | undefined
  if (known !== undefined) return known
  const one = make(language)
  made.set(key, one)
  return one
}
