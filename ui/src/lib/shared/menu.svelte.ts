import type { Icon } from './icons'

export interface MenuItem {
  id: string
  label: string
  icon?: Icon
  keys?: string
  danger?: boolean
  /** Why it cannot be chosen now. */
  disabled?: string | undefined
  run: () => void
}

export interface OpenMenu {
  groups: MenuItem[][]
  label: string
  x: number
  y: number
  /** Gets the focus back. */
  opener: HTMLElement | null
}

/** The one menu that can be open, drawn by `MenuHost`. */
class Menu {
  open = $state.raw<OpenMenu | null>(null)

  /** Opens below `anchor`, as a button does. */
  below(anchor: HTMLElement, label: string, groups: MenuItem[][]): void {
    const box = anchor.getBoundingClientRect()
    this.open = { groups, label, x: box.left, y: box.bottom + 4, opener: anchor }
  }

  /** Opens at the pointer, or at the focused row when the menu key was used. */
  at(event: MouseEvent, label: string, groups: MenuItem[][]): void {
    event.preventDefault()
    const row = event.currentTarget as HTMLElement
    const byKey = event.clientX === 0 && event.clientY === 0
    const box = row.getBoundingClientRect()
    this.open = {
      groups,
      label,
      x: byKey ? box.left + 40 : event.clientX,
      y: byKey ? box.bottom : event.clientY,
      opener: row,
    }
  }

  close(): void {
    this.open?.opener?.focus()
    this.open = null
  }
}

export const menu = new Menu()
