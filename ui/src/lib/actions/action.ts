import type { Icon } from '$lib/shared/icons'
import { keyName, type Shortcut } from '$lib/shared/keys'
import type { MenuItem } from '$lib/shared/menu.svelte'

/**
 * One verb. Buttons, context menus, the palette, the keyboard and tooltips are all made from it, so that no two of them
 * can differ.
 */
export interface Action<T> {
  /** The name that traces use, e.g. `container.start`. */
  id: string
  icon: Icon
  label: () => string
  /** Acts while a list has the focus. */
  shortcut?: Shortcut
  /** It destroys something. */
  danger?: boolean
  /** Verbs of one group stand together in menus. */
  group: number
  /** Whether it is offered for this object at all. */
  fits: (target: T) => boolean
  /** It opens something for one object; several cannot be opened at once. */
  single?: boolean
  run: (targets: readonly T[]) => void | Promise<void>
}

export const shortcutName = (action: Action<never>): string | undefined => action.shortcut && keyName(action.shortcut)

/** The verbs that fit all of the objects. */
export function fitting<T>(actions: readonly Action<T>[], targets: readonly T[]): Action<T>[] {
  if (targets.length === 0) return []
  return actions.filter((action) => !(action.single && targets.length > 1) && targets.every(action.fits))
}

/** The groups of a menu for these objects. */
export function menuGroups<T>(actions: readonly Action<T>[], targets: readonly T[]): MenuItem[][] {
  const groups = new Map<number, MenuItem[]>()
  for (const action of fitting(actions, targets)) {
    const item: MenuItem = {
      id: action.id,
      label: action.label(),
      icon: action.icon,
      ...(action.shortcut && { keys: keyName(action.shortcut) }),
      ...(action.danger && { danger: true }),
      run: () => void action.run(targets),
    }
    groups.set(action.group, [...(groups.get(action.group) ?? []), item])
  }
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, items]) => items)
}
