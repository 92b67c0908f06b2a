import { locale, systemLanguage } from './i18n/index.svelte'
import { parsePreferences, type Preferences } from './preferences'

const KEY = 'terrarium.preferences'

const light = matchMedia('(prefers-color-scheme: light)')
const contrasted = matchMedia('(prefers-contrast: more)')

class PreferenceStore {
  #values = $state<Preferences>(parsePreferences(localStorage.getItem(KEY)))
  /** The theme in force; charts and the terminal draw on canvases and must follow it by hand. */
  theme = $state<'dark' | 'light'>('dark')

  get values(): Readonly<Preferences> {
    return this.#values
  }

  set<K extends keyof Preferences>(key: K, value: Preferences[K]): void {
    this.#values[key] = value
    localStorage.setItem(KEY, JSON.stringify(this.#values))
    this.apply()
  }

  /** Writes the choices to `<html>`, where the tokens look for them. */
  apply(): void {
    const { language, theme, motion, contrast, textSize } = this.#values
    locale.current = language === 'system' ? systemLanguage() : language
    this.theme = theme === 'system' ? (light.matches ? 'light' : 'dark') : theme
    const root = document.documentElement
    root.lang = locale.current
    root.dataset.theme = this.theme
    root.dataset.motion = motion
    root.dataset.contrast = contrast === 'system' ? (contrasted.matches ? 'more' : 'normal') : contrast
    root.style.fontSize = `${textSize}%`
  }

  /** Follows the system from now on. */
  start(): void {
    this.apply()
    light.addEventListener('change', () => this.apply())
    contrasted.addEventListener('change', () => this.apply())
  }
}

export const preferences = new PreferenceStore()
