import type { Attachment } from 'svelte/attachments'

interface OpenTooltip {
  text: string
  keys: string | undefined
  x: number
  y: number
  above: boolean
}

const DELAY_MS = 500

class TooltipState {
  open = $state.raw<OpenTooltip | null>(null)
}

/** The one tooltip that can be seen, drawn by `TooltipHost`. */
export const tooltip = new TooltipState()

/** Shows `text` beside an element that is hovered or focused; the accessible name comes from the element itself. */
export function tip(text: string, keys?: string): Attachment<HTMLElement> {
  return (element) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = (): void => {
      const box = element.getBoundingClientRect()
      const above = box.bottom > innerHeight - 60
      tooltip.open = { text, keys, x: box.left + box.width / 2, y: above ? box.top - 6 : box.bottom + 6, above }
    }
    const enter = (): void => {
      timer = setTimeout(show, DELAY_MS)
    }
    const focus = (): void => {
      if (element.matches(':focus-visible')) show()
    }
    const leave = (): void => {
      clearTimeout(timer)
      tooltip.open = null
    }
    const gone = ['pointerleave', 'pointerdown', 'blur', 'keydown'] as const
    element.addEventListener('pointerenter', enter)
    element.addEventListener('focus', focus)
    for (const name of gone) element.addEventListener(name, leave)
    return () => {
      leave()
      element.removeEventListener('pointerenter', enter)
      element.removeEventListener('focus', focus)
      for (const name of gone) element.removeEventListener(name, leave)
    }
  }
}
