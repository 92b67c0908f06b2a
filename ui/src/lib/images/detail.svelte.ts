import { call, type ImageDetail } from '$lib/ipc/client'
import { Loader } from '$lib/system/loader.svelte'

/** Everything about the image that is looked at. An image never changes, but its names and its users do. */
class Details {
  detail = new Loader<ImageDetail>()
  #shown = ''

  show(id: string, version: string): void {
    const key = `${id} ${version}`
    if (key === this.#shown) return
    const keep = this.#shown.startsWith(`${id} `) ? 'keep' : 'drop'
    this.#shown = key
    void this.detail.load(() => call('inspect_image', { image: id }), keep)
  }
}

export const details = new Details()
