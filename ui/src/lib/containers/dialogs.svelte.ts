import type { ContainerSummary } from '$lib/ipc/client'

/** The ways of files between a container and this machine. */
export type Transfer = 'export' | 'copyOut' | 'copyIn'

export type ContainerDialog =
  | { kind: 'create'; image: string }
  | { kind: 'rename' | 'limits' | 'commit'; container: ContainerSummary }
  | { kind: 'transfer'; container: ContainerSummary; way: Transfer; path: string }

/** The dialog about containers that is open. */
class Dialogs {
  open = $state.raw<ContainerDialog | null>(null)

  create(image = ''): void {
    this.open = { kind: 'create', image }
  }

  transfer(container: ContainerSummary, way: Transfer, path = '/'): void {
    this.open = { kind: 'transfer', container, way, path }
  }

  close(): void {
    this.open = null
  }
}

export const dialogs = new Dialogs()
