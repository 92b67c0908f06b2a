import type { Action } from '$lib/actions/action'
import { call, type Network, type Traced } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import { DeleteIcon, PlugIcon } from '$lib/shared/icons'
import { router } from '$lib/shared/router.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'
import { networkDialogs } from './dialogs.svelte'
import { networks } from './networks.svelte'

type NetworkAction = Action<Network>

/** Does something to networks, tells of its trace or its failure, and looks at them anew. */
async function change(name: string, act: () => Promise<Traced<unknown>>): Promise<void> {
  try {
    traces.record((await act()).trace)
  } catch (thrown) {
    const { message, causes, hint } = problemOf(thrown)
    toasts.show({ tone: 'failed', text: message, detail: causes[0] ?? hint ?? name })
  }
  await networks.refresh()
}

export const connect: NetworkAction = {
  id: 'network.connect',
  icon: PlugIcon,
  label: () => t.networks.connect,
  shortcut: { code: 'KeyC' },
  group: 0,
  single: true,
  fits: ({ driver }) => driver === 'bridge',
  run: ([network]) => {
    if (network) networkDialogs.connecting = network
  },
}

const remove: NetworkAction = {
  id: 'network.remove',
  icon: DeleteIcon,
  label: () => t.networks.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 1,
  fits: ({ builtin }) => !builtin,
  run: async (targets) => {
    const yes = await confirmation.ask({
      title: t.networks.removeTitle(targets.length),
      text: t.networks.removeText,
      objects: targets.map(({ name, subnet }) => ({ name, detail: subnet ?? '' })),
      verb: t.networks.remove,
    })
    if (!yes) return
    for (const { name } of targets) await change(name, () => call('remove_network', { network: name }))
    if (router.route.page === 'networks') router.go({ page: 'networks' })
  },
}

/** Takes a container from a network. */
export const disconnect = (network: string, container: string): Promise<void> =>
  change(network, () => call('disconnect_network', { network, container }))

/** Every verb of a network, in the order of its menu. */
export const networkActions: readonly NetworkAction[] = [connect, remove]
