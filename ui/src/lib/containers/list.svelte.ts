import { Selection } from '$lib/shared/selection.svelte'
import { overview } from '$lib/system/overview.svelte'
import { countOf, FILTERS, search, type Filter } from './filter'

/** The list of containers: what it shows and what is chosen in it. It outlives the view, so that coming back finds it as it was. */
class ContainerListState {
  filter = $state<Filter>('all')
  query = $state('')
  selection = new Selection()

  shown = $derived(search(overview.containers, this.filter, this.query))
  ids = $derived(this.shown.map(({ id }) => id))
  chosen = $derived(this.shown.filter(({ id }) => this.selection.chosen.has(id)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ id }) => id === this.selection.active))
  counts = $derived(FILTERS.map((value) => ({ value, count: countOf(overview.containers, value) })))
}

export const list = new ContainerListState()
