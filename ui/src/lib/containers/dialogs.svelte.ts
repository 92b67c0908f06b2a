import type { ContainerSummary } from '$lib/ipc/client'

export type ContainerDialog = { kind: 'create'; image: string } | { kind: 'rename' | 'limits'; container: ContainerSummary }

/** The dialog about containers that is open. */
class Dialogs {
  open = $state.raw<ContainerDialog | null>(null)

  create(image = ''): void {
    this.open = { kind: 'create', image }
  }

  close(): void {
    this.open = null
  }
}

export const dialogs = new Dialogs()
