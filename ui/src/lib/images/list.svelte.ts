import { locale } from '$lib/shared/i18n/index.svelte'
import { Selection } from '$lib/shared/selection.svelte'
import { overview } from '$lib/system/overview.svelte'
import { groups, rowsOf } from './groups'
import { hasUse, searchImages, type Use } from './name'

/** The list of images: what it shows and what is chosen in it. */
class ImageListState {
  query = $state('')
  use = $state<Use>('all')
  selection = new Selection()

  #grouped = $derived(groups(searchImages(overview.images, this.query).filter((image) => hasUse(image, this.use)), locale.collator.compare))
  shown = $derived(this.#grouped.flatMap(([, images]) => images))
  rows = $derived(rowsOf(this.#grouped))
  ids = $derived(this.shown.map(({ id }) => id))
  chosen = $derived(this.shown.filter(({ id }) => this.selection.chosen.has(id)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ id }) => id === this.selection.active))
}

export const list = new ImageListState()
