import { t } from '$lib/shared/i18n/index.svelte'
import type { Selection } from '$lib/shared/selection.svelte'
import type { Binding } from './keyboard.svelte'

/** The keys that move through any list of rows. `reveal` scrolls to a row and gives it the focus. */
export function moveBindings(
  selection: Selection,
  ids: readonly string[],
  reveal: (id: string | undefined) => void,
  open: (id: string) => void,
): Binding[] {
  const move = (code: string, label: string, by: number, shift = false): Binding => ({
    shortcut: { code, shift },
    label,
    scope: 'list',
    run: () => reveal(selection.move(by, ids, shift)),
  })
  return [
    move('ArrowDown', t.keys.down, 1),
    move('ArrowUp', t.keys.up, -1),
    move('KeyJ', t.keys.down, 1),
    move('KeyK', t.keys.up, -1),
    move('ArrowDown', t.keys.extendDown, 1, true),
    move('ArrowUp', t.keys.extendUp, -1, true),
    move('Home', t.keys.first, -ids.length),
    move('End', t.keys.last, ids.length),
    { shortcut: { code: 'Enter' }, label: t.keys.open, scope: 'list', run: () => selection.active !== null && open(selection.active) },
    { shortcut: { code: 'KeyA', ctrl: true }, label: t.keys.all, scope: 'list', run: () => selection.all(ids) },
  ]
}
