import { call, stream, type Change, type Overview } from '$lib/ipc/client'
import type { Loadable } from '$lib/shared/loading'
import { problemOf } from './problem'
import { reduce } from './reduce'

const RETRY_MS = 3_000
const NOTHING: Overview['trash'] = { images: 0 }

/** Everything that lists show, kept in step with the engine. */
class OverviewStore {
  current = $state.raw<Loadable<Overview>>({ state: 'loading' })
  /** When the copy was last known to be whole; shown while the engine does not answer. */
  asOf = $state(0)
  value = $derived(this.current.state === 'ready' ? this.current.value : undefined)
  // A change of one list leaves the others the same object: whoever reads only them is not woken.
  containers = $derived(this.value?.containers ?? [])
  images = $derived(this.value?.images ?? [])
  volumes = $derived(this.value?.volumes ?? [])
  activities = $derived(this.value?.activities ?? [])
  trash = $derived(this.value?.trash ?? NOTHING)
  #early: Change[] = []
  #asking = false

  /** Listens first and asks then, so that no change falls between the two. */
  start(): void {
    const watching = stream('watch_changes', null, (change) => this.#take(change))
    watching.done.catch(() => undefined).then(() => setTimeout(() => this.start(), RETRY_MS))
    void this.refresh()
  }

  async refresh(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    this.#early = []
    try {
      this.#replace(await call('overview'))
    } catch (thrown) {
      // An old copy is better than none: the status bar says how old it is.
      if (this.current.state !== 'ready') this.current = { state: 'failed', problem: problemOf(thrown) }
    } finally {
      this.#asking = false
    }
    const early = this.#early.splice(0)
    for (const change of early) this.#take(change)
  }

  #replace(value: Overview): void {
    // The frame that shows the first answer; the benchmark of the window reads it.
    if (this.value === undefined) requestAnimationFrame(() => performance.mark('usable'))
    this.current = { state: 'ready', value }
    this.asOf = Date.now()
  }

  #take(change: Change): void {
    if (this.#asking) {
      this.#early.push(change)
      return
    }
    if (this.value === undefined) return void this.refresh()
    const next = reduce(this.value, change)
    if (next === 'stale') void this.refresh()
    else if (next !== 'known') this.#replace(next)
  }
}

export const overview = new OverviewStore()
