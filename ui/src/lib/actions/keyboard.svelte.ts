import { untrack } from 'svelte'
import { isTyping, matches, type Shortcut } from '$lib/shared/keys'

export interface Binding {
  shortcut: Shortcut
  label: string
  /** Letters act only while a list has the focus; the rest acts everywhere. */
  scope: 'everywhere' | 'list'
  run: () => void
}

/** What every key does now. Views add their keys while they are on screen; the sheet of keys is read from here. */
class Keyboard {
  #sources = $state.raw<readonly (() => readonly Binding[])[]>([])

  /** Adds bindings, and returns how to take them away. */
  add(source: () => readonly Binding[]): () => void {
    // Effects add their keys; none of them wants to run again because another one did.
    untrack(() => (this.#sources = [...this.#sources, source]))
    return () => untrack(() => (this.#sources = this.#sources.filter((other) => other !== source)))
  }

  get bindings(): Binding[] {
    return this.#sources.flatMap((source) => source())
  }

  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    const inList = (event.target as HTMLElement | null)?.closest('[data-list]') != null
    // The latest view wins over the window.
    const binding = this.bindings
      .toReversed()
      .find(({ shortcut, scope }) => matches(event, shortcut) && (scope === 'everywhere' || inList))
    if (binding === undefined || (isTyping(event) && !binding.shortcut.ctrl)) return
    event.preventDefault()
    binding.run()
  }
}

export const keyboard = new Keyboard()
