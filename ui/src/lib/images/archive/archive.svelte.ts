import { call, type ImageSummary, type LoadedImage } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import type { Problem } from '$lib/shared/loading'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'
import { fileName } from './fileName'

/** The dialogs that write images into a file and read them from one. */
class Archive {
  saving = $state.raw<readonly ImageSummary[] | null>(null)
  loading = $state(false)
  path = $state('')
  /** When the work began that is under way. */
  beganAt = $state<number | null>(null)
  problem = $state.raw<Problem | null>(null)
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
    await this.#work(async () => {
      // An image with names is saved with its names, so that they come back with it.
      const names = images.flatMap(({ references, id }) => (references.length > 0 ? references : [id]))
      traces.record((await call('save_images', { images: names, path })).trace)
      this.saving = null
      toasts.show({ tone: 'plain', text: t.archive.saved(images.length), detail: path })
    })
  }

  async load(): Promise<void> {
    await this.#work(async () => {
      const { value, trace } = await call('load_images', { path: this.path.trim() })
      traces.record(trace)
      this.loaded = value
    })
  }

  #reset(path: string): void {
    this.path = path
    this.problem = null
    this.loaded = null
  }

  async #work(work: () => Promise<void>): Promise<void> {
    if (this.beganAt !== null) return
    this.beganAt = Date.now()
    this.problem = null
    try {
      await work()
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.beganAt = null
    }
  }
}

export const archive = new Archive()
