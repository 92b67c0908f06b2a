import type { Action } from '$lib/actions/action'
import { dialogs as containerDialogs } from '$lib/containers/dialogs.svelte'
import type { ImageSummary } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { CompareIcon, DeleteIcon, PlayIcon, PushIcon, SaveIcon, SignatureIcon, TagIcon } from '$lib/shared/icons'
import { router } from '$lib/shared/router.svelte'
import { imageDialogs } from './dialogs.svelte'
import { archive } from './archive/archive.svelte'
import { imageTitle } from './name'
import { pushes } from './pushes.svelte'
import { imageTrash } from './trash/trash.svelte'

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

const verify: ImageAction = {
  id: 'image.verify',
  icon: SignatureIcon,
  label: () => t.verify.open,
  group: 1,
  single: true,
  fits: () => true,
  run: ([image]) => {
    if (image) imageDialogs.verifying = image
  },
}

/** Puts one after the other into the trash, because a later one may become free through an earlier one. */
async function removeAll(targets: readonly ImageSummary[]): Promise<void> {
  for (const image of targets) {
    const gone = await imageTrash.put(image)
    if (gone && router.route.page === 'images' && router.route.id === image.id) router.go({ page: 'images' })
  }
}

const remove: ImageAction = {
  id: 'image.remove',
  icon: DeleteIcon,
  label: () => t.images.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 2,
  fits: () => true,
  run: removeAll,
}

/** Every verb of an image, in the order of its menu. */
export const imageActions: readonly ImageAction[] = [run, tag, push, save, verify, compare, remove]
