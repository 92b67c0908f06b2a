import type { Action } from '$lib/actions/action'
import { call, type Volume } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import { DeleteIcon } from '$lib/shared/icons'
import { router } from '$lib/shared/router.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'

async function removeOne({ name }: Volume): Promise<void> {
  try {
    traces.record((await call('remove_volume', { name })).trace)
    if (router.route.page === 'volumes' && router.route.id === name) router.go({ page: 'volumes' })
  } catch (thrown) {
    const { message, causes } = problemOf(thrown)
    toasts.show({ tone: 'failed', text: message, detail: causes[0] ?? name })
  }
}

const remove: Action<Volume> = {
  id: 'volume.remove',
  icon: DeleteIcon,
  label: () => t.volumes.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 0,
  fits: ({ usedBy }) => usedBy.length === 0,
  run: async (targets) => {
    const yes = await confirmation.ask({
      title: t.volumes.removeTitle(targets.length),
      text: t.volumes.removeText,
      objects: targets.map(({ name, mountpoint }) => ({ name, detail: mountpoint })),
      verb: t.volumes.remove,
    })
    if (yes) await Promise.all(targets.map(removeOne))
  },
}

/** Every verb of a volume. */
export const volumeActions: readonly Action<Volume>[] = [remove]
