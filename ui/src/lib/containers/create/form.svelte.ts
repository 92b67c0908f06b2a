import { call } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { router } from '$lib/shared/router.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'
import { work } from '../work.svelte'
import { check, emptyDraft, toRequest, type Draft } from './draft'

/** A new container while it is being described. */
export class CreateForm {
  draft = $state<Draft>(emptyDraft(''))
  problem = $state.raw<Problem | null>(null)
  busy = $state(false)
  /** Errors are told once somebody tried: nobody is blamed for what is still being typed. */
  #tried = $state(false)
  #errors = $derived(check(this.draft))

  constructor(image: string) {
    this.draft = emptyDraft(image)
  }

  error(field: string): string | undefined {
    return this.#tried ? this.#errors[field] : undefined
  }

  /** Creates it, and starts it if asked. Returns whether the dialog is done. */
  async submit(then: 'start' | 'create'): Promise<boolean> {
    this.#tried = true
    if (this.busy || Object.keys(this.#errors).length > 0) return false
    this.busy = true
    this.problem = null
    try {
      const { value: container, trace } = await call('create_container', toRequest($state.snapshot(this.draft)))
      traces.record(trace)
      router.go({ page: 'containers', id: container.id, tab: then === 'start' ? 'logs' : 'summary' })
      // It exists now: a start that fails is told on its own page.
      if (then === 'start') void work.run(container, 'start', () => call('start_container', { container: container.id }))
      return true
    } catch (thrown) {
      this.problem = problemOf(thrown)
      return false
    } finally {
      this.busy = false
    }
  }
}
