import { mount } from 'svelte'
import 'pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import '$lib/shared/styles/tokens.css'
import '$lib/shared/styles/base.css'
import { connect, type Transport } from '$lib/ipc/client'
import { clockTick } from '$lib/shared/clock.svelte'
import { repairLanguage } from '$lib/shared/i18n/tag'
import { preferences } from '$lib/shared/preferences.svelte'
import { overview } from '$lib/system/overview.svelte'
import { settings } from '$lib/system/settings.svelte'
import { usage } from '$lib/system/usage.svelte'
import Shell from './views/shell/Shell.svelte'

/**
 * Asks the engine first, which opens while the window is painted: the answer is a later task, so a slow engine never
 * delays a window.
 */
export function start(transport: Transport): void {
  repairLanguage(navigator)
  connect(transport)
  preferences.start()
  const target = document.getElementById('app')
  if (target === null) throw new Error('index.html has no #app')
  overview.start()
  mount(Shell, { target })
  requestAnimationFrame(() => {
    usage.start()
    clockTick.start()
    // Settings that cannot be read leave the choices of the last time in force.
    settings.load().catch(() => undefined)
  })
}
