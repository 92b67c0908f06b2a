import { call, stream, type ImageSummary, type PushedImage, type PushProgress, type Subscription, type Traced } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'

/** One push that this window asked for. */
export class Push {
  progress = $state.raw<PushProgress | null>(null)
  problem = $state.raw<Problem | null>(null)
  pushed = $state.raw<PushedImage | null>(null)
  canceled = $state(false)
  #subscription: Subscription<Traced<PushedImage>> | undefined

  constructor(readonly image: ImageSummary, readonly reference: string) {
    void this.#run()
  }

  get running(): boolean {
    return this.pushed === null && this.problem === null
  }

  /** The engine ends the work; the stream then fails with "canceled". */
  async cancel(): Promise<void> {
    if (this.progress !== null) await call('cancel_activity', { id: this.progress.activity })
  }

  /** A push sends what a name points to, so the image has to have the name here first. */
  async #run(): Promise<void> {
    const { image, reference } = this
    try {
      if (!image.references.includes(reference)) traces.record((await call('tag_image', { image: image.id, reference })).trace)
      this.#subscription = stream('push_image', { reference, credentials: null }, (progress) => (this.progress = progress))
      const { value, trace } = await this.#subscription.done
      traces.record(trace)
      this.pushed = value
    } catch (thrown) {
      this.problem = problemOf(thrown)
      this.canceled = this.problem.code === 'canceled'
    }
  }
}

/** The push dialog and what it follows. Closing the dialog leaves the push to Activity. */
class Pushes {
  dialog = $state(false)
  image = $state.raw<ImageSummary | null>(null)
  reference = $state('')
  current = $state.raw<Push | null>(null)

  ask(image: ImageSummary): void {
    if (this.current?.running !== true) {
      this.current = null
      this.image = image
      this.reference = image.references[0] ?? ''
    }
    this.dialog = true
  }

  start(): void {
    if (this.image !== null) this.current = new Push(this.image, this.reference.trim())
  }
}

export const pushes = new Pushes()
