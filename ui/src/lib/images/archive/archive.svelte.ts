import { call, type ImageSummary, type LoadedImage } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { traces } from '$lib/system/traces.svelte'
import { fileName } from './fileName'
import { FileWork } from './fileWork.svelte'

/** The dialogs that write images into a file and read them from one. Closing one leaves the work to Activity. */
class Archive {
  saving = $state.raw<readonly ImageSummary[] | null>(null)
  loading = $state(false)
  path = $state('')
  work = new FileWork('saveImages', 'loadImages')
  loaded = $state.raw<readonly LoadedImage[] | null>(null)

  askWhereTo(images: readonly ImageSummary[]): void {
    this.#reset(`/tmp/${fileName(images)}`)
    this.saving = images
  }

  askWhereFrom(): void {
    this.#reset('')
    this.loading = true
  }

  close(): void {
    this.saving = null
    this.loading = false
  }

  async save(): Promise<void> {
    const images = this.saving
    if (images === null) return
    const path = this.path.trim()
    await this.work.do(async () => {
      // An image with names is saved with its names, so that they come back with it.
      const names = images.flatMap(({ references, id }) => (references.length > 0 ? references : [id]))
      traces.record((await call('save_images', { images: names, path })).trace)
      this.saving = null
      toasts.show({ tone: 'plain', text: t.archive.saved(images.length), detail: path })
    })
  }

  async load(): Promise<void> {
    await this.work.do(async () => {
      const { value, trace } = await call('load_images', { path: this.path.trim() })
      traces.record(trace)
      if (this.loading) this.loaded = value
      else toasts.show({ tone: 'plain', text: t.archive.loaded(value.length) })
    })
  }

  #reset(path: string): void {
    // What is under way goes on, and its dialog shows it again.
    if (this.work.running) return
    this.path = path
    this.work.reset()
    this.loaded = null
  }
}

export const archive = new Archive()
