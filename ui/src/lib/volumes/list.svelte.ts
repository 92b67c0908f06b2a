import { Selection } from '$lib/shared/selection.svelte'
import { overview } from '$lib/system/overview.svelte'

/** The list of volumes: what it shows and what is chosen in it. */
class VolumeListState {
  query = $state('')
  selection = new Selection()

  shown = $derived(
    overview.volumes.filter(({ name, usedBy }) => [name, ...usedBy].join('\n').toLowerCase().includes(this.query.trim().toLowerCase())),
  )
  ids = $derived(this.shown.map(({ name }) => name))
  chosen = $derived(this.shown.filter(({ name }) => this.selection.chosen.has(name)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ name }) => name === this.selection.active))
}

export const list = new VolumeListState()
