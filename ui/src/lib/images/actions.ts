import type { Action } from '$lib/actions/action'
import { dialogs as containerDialogs } from '$lib/containers/dialogs.svelte'
import { call, type ImageSummary } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { bytes } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'
import { CompareIcon, DeleteIcon, PlayIcon, PushIcon, SaveIcon, TagIcon } from '$lib/shared/icons'
import { router } from '$lib/shared/router.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'
import { imageDialogs } from './dialogs.svelte'
import { archive } from './archive/archive.svelte'
import { imageTitle } from './name'
import { pushes } from './pushes.svelte'

type ImageAction = Action<ImageSummary>

export const run: ImageAction = {
  id: 'image.run',
  icon: PlayIcon,
  label: () => t.images.run,
  shortcut: { code: 'KeyR' },
  group: 0,
  single: true,
  fits: () => true,
  run: ([image]) => {
    if (image) containerDialogs.create(imageTitle(image))
  },
}

const tag: ImageAction = {
  id: 'image.tag',
  icon: TagIcon,
  label: () => t.images.tag,
  shortcut: { code: 'F2' },
  group: 1,
  single: true,
  fits: () => true,
  run: ([image]) => {
    if (image) imageDialogs.tagging = image
  },
}

const push: ImageAction = {
  id: 'image.push',
  icon: PushIcon,
  label: () => t.push.verb,
  group: 1,
  single: true,
  fits: () => true,
  run: ([image]) => {
    if (image) pushes.ask(image)
  },
}

const save: ImageAction = {
  id: 'image.save',
  icon: SaveIcon,
  label: () => t.archive.save,
  group: 1,
  fits: () => true,
  run: (images) => archive.askWhereTo(images),
}

const compare: ImageAction = {
  id: 'image.compare',
  icon: CompareIcon,
  label: () => t.images.compare,
  group: 1,
  single: true,
  fits: () => true,
  run: ([image]) => {
    if (image) imageDialogs.comparing = image
  },
}

/** Removes one after the other, because a later one may become free through an earlier one. */
async function removeAll(targets: readonly ImageSummary[]): Promise<void> {
  for (const image of targets) {
    try {
      const { value, trace } = await call('remove_image', { image: image.id, force: image.references.length > 1 })
      traces.record(trace)
      toasts.show({ tone: 'plain', text: t.images.removed(imageTitle(image)), detail: t.images.freed(bytes(value.freedBytes)) })
      if (router.route.page === 'images' && router.route.id === image.id) router.go({ page: 'images' })
    } catch (thrown) {
      const { message, causes } = problemOf(thrown)
      toasts.show({ tone: 'failed', text: message, detail: causes[0] ?? imageTitle(image) })
    }
  }
}

async function askAndRemove(targets: readonly ImageSummary[]): Promise<void> {
  const freed = targets.reduce((sum, { uniqueBytes }) => sum + uniqueBytes, 0)
  const users = [...new Set(targets.flatMap(({ usedBy }) => usedBy))]
  const yes = await confirmation.ask({
    title: t.images.removeTitle(targets.length),
    text: t.images.removeText(bytes(freed)),
    objects: targets.map((image) => ({ name: image.references.join(', ') || imageTitle(image), detail: bytes(image.sizeBytes) })),
    consequence: users.length > 0 ? t.images.removeUsed(users.join(', ')) : undefined,
    verb: t.images.remove,
  })
  if (yes) await removeAll(targets)
}

const remove: ImageAction = {
  id: 'image.remove',
  icon: DeleteIcon,
  label: () => t.images.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 2,
  fits: () => true,
  run: askAndRemove,
}

/** Every verb of an image, in the order of its menu. */
export const imageActions: readonly ImageAction[] = [run, tag, push, save, compare, remove]
