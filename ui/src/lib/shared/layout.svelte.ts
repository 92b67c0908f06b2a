import type { Page } from './route'
import { router } from './router.svelte'

/** Below this width the inspector lies over the detail instead of beside it. */
const WIDE = matchMedia('(min-width: 1200px)')

/** Pages with objects to look into. */
const OBJECTS: readonly Page[] = ['containers', 'images', 'volumes']

/** Which panes are open. */
class Layout {
  list = $state(true)
  palette = $state(false)
  keys = $state(false)
  /** What the person chose; until then the page decides. */
  #inspector = $state<boolean | null>(null)

  get inspector(): boolean {
    return this.#inspector ?? (WIDE.matches && OBJECTS.includes(router.route.page))
  }

  set inspector(open: boolean) {
    this.#inspector = open
  }
}

export const layout = new Layout()
