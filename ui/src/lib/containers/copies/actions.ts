import type { Action } from '$lib/actions/action'
import type { ContainerSummary } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { ImagesIcon, PullIcon, PushIcon, SaveIcon, type Icon } from '$lib/shared/icons'
import { dialogs, type Transfer } from '../dialogs.svelte'

type ContainerAction = Action<ContainerSummary>

const commit: ContainerAction = {
  id: 'container.commit',
  icon: ImagesIcon,
  label: () => t.copies.commit,
  group: 2,
  single: true,
  fits: () => true,
  run: ([target]) => {
    if (target) dialogs.open = { kind: 'commit', container: target }
  },
}

const transfer = (id: string, icon: Icon, way: Transfer): ContainerAction => ({
  id,
  icon,
  label: () => t.copies.ways[way].label,
  group: 2,
  single: true,
  fits: () => true,
  run: ([target]) => {
    if (target) dialogs.transfer(target, way)
  },
})

/** The verbs that take files of a container somewhere, in the order of its menu. */
export const copyActions: readonly ContainerAction[] = [
  commit,
  transfer('container.copy_out', PullIcon, 'copyOut'),
  transfer('container.copy_in', PushIcon, 'copyIn'),
  transfer('container.export', SaveIcon, 'export'),
]
