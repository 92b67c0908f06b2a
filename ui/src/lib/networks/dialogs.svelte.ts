import type { Network } from '$lib/ipc/client'

/** The dialog about networks that is open. */
class NetworkDialogs {
  creating = $state(false)
  connecting = $state.raw<Network | null>(null)
}

export const networkDialogs = new NetworkDialogs()
