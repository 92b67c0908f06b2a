import { Selection } from '$lib/shared/selection.svelte'
import { overview } from '$lib/system/overview.svelte'
import type { ContainerSummary } from '$lib/ipc/client'
import { steady } from '$lib/shared/steady'
import { countOf, FILTERS, search, type Filter } from './filter'

/** The list of containers: what it shows and what is chosen in it. It outlives the view, so that coming back finds it as it was. */
class ContainerListState {
  filter = $state<Filter>('all')
  query = $state('')
  selection = new Selection()

  /** The rows as they stood when the pointer came over the list, and what was searched for then. */
  #held = $state.raw<{ ids: readonly string[]; wish: string } | null>(null)
  #wish = $derived(`${this.filter} ${this.query}`)
  #found = $derived(search(overview.containers, this.filter, this.query))
  shown = $derived<ContainerSummary[]>(
    // Another wish of the person is no surprise: then the rows may move.
    this.#held?.wish === this.#wish ? steady(this.#held.ids, this.#found, overview.containers, ({ id }) => id) : this.#found,
  )
  ids = $derived(this.shown.map(({ id }) => id))
  chosen = $derived(this.shown.filter(({ id }) => this.selection.chosen.has(id)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ id }) => id === this.selection.active))

  /** Keeps every row in its place while the pointer is over the list: a click must hit what was aimed at. */
  hold(): void {
    this.#held ??= { ids: this.ids, wish: this.#wish }
  }

  release(): void {
    this.#held = null
  }

  counts = $derived(FILTERS.map((value) => ({ value, count: countOf(overview.containers, value) })))
}

export const list = new ContainerListState()
