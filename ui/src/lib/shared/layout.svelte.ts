/** Below this width the inspector lies over the detail instead of beside it. */
const WIDE = matchMedia('(min-width: 1200px)')

/** Which panes are open. */
class Layout {
  inspector = $state(WIDE.matches)
  list = $state(true)
  palette = $state(false)
  keys = $state(false)
}

export const layout = new Layout()
