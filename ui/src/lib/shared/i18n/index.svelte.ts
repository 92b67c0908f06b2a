import * as en from './en'
import * as ko from './ko'

export const LANGUAGES = ['ko', 'en'] as const
export type Language = (typeof LANGUAGES)[number]

/** English is the shape; Korean must fill every key of it, or the type check fails. */
export type Messages = typeof en

const dictionaries: Record<Language, Messages> = { en, ko }

/** The language of the system if we speak it, else English. */
export function systemLanguage(preferred: readonly string[] = navigator.languages): Language {
  const known = preferred.map((tag) => tag.slice(0, 2)).find((tag) => LANGUAGES.includes(tag as Language))
  return (known as Language | undefined) ?? 'en'
}

class Locale {
  current = $state<Language>('en')
  /** Sorts names the way a reader of this language expects. */
  collator = $derived(new Intl.Collator(this.current, { numeric: true }))
}

export const locale = new Locale()

/** The messages of the current language; a template that reads from it follows a change of language. */
export const t: Messages = new Proxy(en, {
  get: (_, section) => dictionaries[locale.current][section as keyof Messages],
})
