import { untrack } from 'svelte'
import type { Loadable } from '$lib/shared/loading'
import { problemOf } from './problem'

/** One answer of the engine that a view waits for. A later question makes an earlier answer void. */
export class Loader<T> {
  current = $state.raw<Loadable<T>>({ state: 'loading' })
  #latest = 0

  get value(): T | undefined {
    return this.current.state === 'ready' ? this.current.value : undefined
  }

  /** Asks anew. What is shown stays until the answer is there, unless it belongs to another object. */
  async load(ask: () => Promise<T>, keep: 'keep' | 'drop' = 'keep'): Promise<void> {
    const mine = ++this.#latest
    // The effect that asks must not run again because of the answer.
    if (keep === 'drop' || untrack(() => this.current.state) === 'failed') this.current = { state: 'loading' }
    try {
      const value = await ask()
      if (mine === this.#latest) this.current = { state: 'ready', value }
    } catch (thrown) {
      if (mine === this.#latest) this.current = { state: 'failed', problem: problemOf(thrown) }
    }
  }
}
