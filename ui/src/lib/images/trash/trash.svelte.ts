import { call, type ImageSummary, type Trash, type TrashedImage } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { bytes } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { Loader } from '$lib/system/loader.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'
import { imageTitle } from '../name'
import { trashedTitle } from './words'

function fail(thrown: unknown, about: string): void {
  const { message, causes, hint } = problemOf(thrown)
  toasts.show({ tone: 'failed', text: message, detail: hint ?? causes[0] ?? about })
}

/** Removed images: they come back until they expire, or until the trash is emptied. */
class ImageTrash {
  open = $state(false)
  loader = new Loader<Trash>()

  show(): void {
    this.open = true
  }

  async load(): Promise<void> {
    await this.loader.load(() => call('trash'))
  }

  /** Puts an image into the trash, and offers to take it back at once. */
  async put(image: ImageSummary): Promise<boolean> {
    try {
      const several = image.references.length > 1
      const { value, trace } = await call('trash_image', { image: several ? image.id : imageTitle(image), force: several })
      traces.record(trace)
      const undo = { label: t.trash.undo, run: () => void this.restore(value) }
      toasts.show({ tone: 'plain', text: t.trash.moved(imageTitle(image)), detail: t.trash.stays, action: undo })
      return true
    } catch (thrown) {
      fail(thrown, imageTitle(image))
      return false
    }
  }

  async restore(trashed: TrashedImage): Promise<void> {
    try {
      const { value, trace } = await call('restore_image', { id: trashed.id })
      traces.record(trace)
      const taken = value.taken.length > 0 ? t.trash.taken(value.taken.join(', ')) : undefined
      toasts.show({ tone: 'plain', text: t.trash.restored(trashedTitle(trashed)), ...(taken && { detail: taken }) })
    } catch (thrown) {
      fail(thrown, trashedTitle(trashed))
      // Another window may have been first.
      if (this.open) await this.load()
    }
  }

  /** Removes for good what is named, or everything. This cannot be taken back, so it is asked. */
  async empty(images: readonly TrashedImage[], freedBytes: number): Promise<void> {
    const yes = await confirmation.ask({
      title: t.trash.emptyTitle(images.length),
      text: t.trash.emptyText(bytes(freedBytes)),
      objects: images.map((image) => ({ name: trashedTitle(image), detail: bytes(image.sizeBytes) })),
      verb: t.trash.forGood,
    })
    if (!yes) return
    try {
      const { value, trace } = await call('empty_trash', { ids: images.map(({ id }) => id) })
      traces.record(trace)
      toasts.show({ tone: 'plain', text: t.images.freed(bytes(value.freedBytes)) })
    } catch (thrown) {
      fail(thrown, t.trash.title)
      await this.load()
    }
  }
}

export const imageTrash = new ImageTrash()
