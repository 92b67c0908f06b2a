import { preferences } from './preferences.svelte'
import type { Page } from './route'
import { router } from './router.svelte'

/** From this width on, in rem, the inspector stands beside the detail instead of over it. */
const WIDE_REM = 75
const REM_PX = 16

/** Pages with objects to look into. */
const OBJECTS: readonly Page[] = ['containers', 'images', 'volumes', 'networks']

/** Which panes are open. */
class Layout {
  list = $state(true)
  palette = $state(false)
  keys = $state(false)
  /** What the person chose; until then the page decides. */
  #inspector = $state<boolean | null>(null)
  #width = $state(innerWidth)

  constructor() {
    addEventListener('resize', () => (this.#width = innerWidth))
  }

  /** Whether all panes fit side by side; larger text needs more room. */
  get wide(): boolean {
    return this.#width / ((REM_PX * preferences.values.textSize) / 100) >= WIDE_REM
  }

  get inspector(): boolean {
    return this.#inspector ?? (this.wide && OBJECTS.includes(router.route.page))
  }

  set inspector(open: boolean) {
    this.#inspector = open
  }
}

export const layout = new Layout()
