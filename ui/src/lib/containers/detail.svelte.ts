import { call, type ContainerDetail, type ContainerSize } from '$lib/ipc/client'
import { Loader } from '$lib/system/loader.svelte'

/** Everything about the container that is looked at; asked for again when its row says that it changed. */
class Details {
  detail = new Loader<ContainerDetail>()
  size = new Loader<ContainerSize>()
  #shown = ''

  /** `version` is anything that differs when the details do. */
  show(id: string, version: string): void {
    const key = `${id} ${version}`
    if (key === this.#shown) return
    const keep = this.#shown.startsWith(`${id} `) ? 'keep' : 'drop'
    this.#shown = key
    void this.detail.load(() => call('inspect_container', { container: id }), keep)
    // Walking the layer takes a while, so it comes in a second pass.
    void this.size.load(() => call('container_size', { container: id }), keep)
  }
}

export const details = new Details()
