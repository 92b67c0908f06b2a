import { emptyDraft, toRequest } from '$lib/containers/create/draft'
import { call, type ImageSummary } from '$lib/ipc/client'
import { imageTitle } from '$lib/images/name'
import type { Problem } from '$lib/shared/loading'
import { router } from '$lib/shared/router.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'

/** The first container of somebody who has none: made from the image that is here, or from one that needs no network. */
class FirstRun {
  step = $state<'idle' | 'image' | 'container' | 'start'>('idle')
  problem = $state.raw<Problem | null>(null)

  async run(image: ImageSummary | undefined): Promise<void> {
    this.problem = null
    try {
      const name = imageTitle(image ?? (await this.#makeImage()))
      this.step = 'container'
      const created = await call('create_container', toRequest({ ...emptyDraft(name), terminal: true }))
      traces.record(created.trace)
      this.step = 'start'
      traces.record((await call('start_container', { container: created.value.id })).trace)
      router.go({ page: 'containers', id: created.value.id, tab: 'timeline' })
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.step = 'idle'
    }
  }

  async #makeImage(): Promise<ImageSummary> {
    this.step = 'image'
    const { value, trace } = await call('make_starter_image')
    traces.record(trace)
    return value
  }
}

export const first = new FirstRun()
