import { call, type Network } from '$lib/ipc/client'
import { Loader } from '$lib/system/loader.svelte'
import { overview } from '$lib/system/overview.svelte'

/** All networks. They are asked for anew whenever a container comes, goes, or changes its place. */
class Networks {
  loader = new Loader<Network[]>()

  all = $derived(this.loader.value ?? [])
  /** Changes when the members of a network may have changed. */
  version = $derived(overview.containers.map(({ id, name, status, networks }) => [id, name, status, ...networks.map((place) => `${place.network} ${place.address}`)].join()).join('\n'))

  refresh(): Promise<void> {
    return this.loader.load(() => call('networks'))
  }
}

export const networks = new Networks()
