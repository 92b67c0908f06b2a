import { call, type Settings } from '$lib/ipc/client'
import { LANGUAGES, type Language } from '$lib/shared/i18n/index.svelte'
import { preferences } from '$lib/shared/preferences.svelte'

/** The engine keeps language, theme and motion for all windows; this window keeps a copy for its first paint. */
class SettingsStore {
  current = $state.raw<Settings | null>(null)

  async load(): Promise<void> {
    this.#apply(await call('settings'))
  }

  async save(changed: Partial<Settings>): Promise<void> {
    const before = this.current
    const wanted = { ...(before ?? (await call('settings'))), ...changed }
    this.#apply(wanted)
    try {
      this.#apply(await call('save_settings', wanted))
    } catch (thrown) {
      if (before !== null) this.#apply(before)
      throw thrown
    }
  }

  #apply(settings: Settings): void {
    this.current = settings
    const known = LANGUAGES.find((language): language is Language => language === settings.language)
    preferences.set('language', known ?? 'system')
    preferences.set('theme', settings.theme)
    preferences.set('motion', settings.motion)
  }
}

export const settings = new SettingsStore()
