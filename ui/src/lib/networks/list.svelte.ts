import { Selection } from '$lib/shared/selection.svelte'
import { networks } from './networks.svelte'

/** The list of networks: what it shows and what is chosen in it. */
class NetworkListState {
  query = $state('')
  selection = new Selection()

  shown = $derived(
    networks.all.filter(({ name, subnet, ipv6, members }) =>
      [name, subnet ?? '', ipv6?.subnet ?? '', ...members.map((member) => member.name)].join('\n').toLowerCase().includes(this.query.trim().toLowerCase()),
    ),
  )
  ids = $derived(this.shown.map(({ name }) => name))
  chosen = $derived(this.shown.filter(({ name }) => this.selection.chosen.has(name)))
  /** What a key acts on: what is chosen, else the row it would move from. */
  targets = $derived(this.chosen.length > 0 ? this.chosen : this.shown.filter(({ name }) => name === this.selection.active))
}

export const list = new NetworkListState()
