import { Selection } from '$lib/shared/selection.svelte'
import { overview } from '$lib/system/overview.svelte'
import { hasUse, searchImages, type Use } from './name'

/** The list of images: what it shows and what is chosen in it. */
class ImageListState {
  query = $state('')
  use = $state<Use>('all')
  selection = new Selection()

  shown = $derived(searchImages(overview.images, this.query).filter((image) => hasUse(image, this.use)))
  ids = $derived(this.shown.map(({ id }) => id))
  chosen = $derived(this.shown.filter(({ id }) => this.selection.chosen.has(id)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ id }) => id === this.selection.active))
}

export const list = new ImageListState()
