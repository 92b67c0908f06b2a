import { fitting } from '$lib/actions/action'
import type { Binding } from '$lib/actions/keyboard.svelte'
import { moveBindings } from '$lib/actions/moves'
import { containerActions } from './actions'
import { list } from './list.svelte'

interface Moves {
  /** Scrolls to a row and gives it the focus. */
  reveal: (id: string | undefined) => void
  open: (id: string) => void
}

/** The keys of the list: first the verbs that fit what is chosen now, then the moves. */
export function listBindings({ reveal, open }: Moves): Binding[] {
  const verbs = fitting(containerActions, list.targets).flatMap((action): Binding[] =>
    action.shortcut === undefined
      ? []
      : [{ shortcut: action.shortcut, label: action.label(), scope: 'list', run: () => void action.run(list.targets) }],
  )
  return [...verbs, ...moveBindings(list.selection, list.ids, reveal, open)]
}
