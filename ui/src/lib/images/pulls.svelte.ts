import { call, stream, type ImageSummary, type PullProgress, type Subscription, type Traced } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'

/** One pull that this window asked for. */
export class Pull {
  progress = $state.raw<PullProgress | null>(null)
  problem = $state.raw<Problem | null>(null)
  image = $state.raw<ImageSummary | null>(null)
  canceled = $state(false)
  #subscription: Subscription<Traced<ImageSummary>>

  constructor(readonly reference: string, platform: string | null, done: (image: ImageSummary) => void) {
    this.#subscription = stream('pull_image', { reference, platform, credentials: null }, (progress) => (this.progress = progress))
    this.#subscription.done.then(
      ({ value, trace }) => {
        traces.record(trace)
        this.image = value
        done(value)
      },
      (thrown: unknown) => {
        this.problem = problemOf(thrown)
        this.canceled = this.problem.code === 'canceled'
      },
    )
  }

  get running(): boolean {
    return this.image === null && this.problem === null
  }

  /** The engine ends the work; the stream then fails with "canceled". */
  async cancel(): Promise<void> {
    if (this.progress !== null) await call('cancel_activity', { id: this.progress.activity })
  }
}

/** The pull dialog and what it follows. Closing the dialog leaves the pull to Activity. */
class Pulls {
  dialog = $state(false)
  reference = $state('')
  current = $state.raw<Pull | null>(null)

  openDialog(reference?: string): void {
    if (this.current?.running !== true) {
      this.current = null
      this.reference = reference ?? ''
    }
    this.dialog = true
  }

  start(platform: string | null, done: (image: ImageSummary) => void): void {
    this.current = new Pull(this.reference.trim(), platform, done)
  }
}

export const pulls = new Pulls()
