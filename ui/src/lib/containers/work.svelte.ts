import { SvelteMap } from 'svelte/reactivity'
import type { ContainerSummary, Traced } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { overview } from '$lib/system/overview.svelte'
import { problemOf } from '$lib/system/problem'
import { traces } from '$lib/system/traces.svelte'

export type Verb = 'start' | 'stop' | 'restart' | 'pause' | 'resume' | 'kill' | 'remove' | 'rename' | 'update'

interface Pending {
  verb: Verb
  since: number
}

/** What is being done to containers from this window, and what went wrong: a row shows it at once, where it happened. */
class ContainerWork {
  pending = new SvelteMap<string, Pending>()
  problems = new SvelteMap<string, Problem>()

  /** Does one thing to one container. The trace goes to the inspector, a failure to the row. */
  async run<T>(container: ContainerSummary, verb: Verb, work: () => Promise<Traced<T>>): Promise<boolean> {
    const { id } = container
    if (this.pending.has(id)) return false
    this.problems.delete(id)
    this.pending.set(id, { verb, since: Date.now() })
    try {
      const { trace } = await work()
      traces.record(trace)
      return true
    } catch (thrown) {
      this.problems.set(id, problemOf(thrown))
      // The row may have told a state that never came true.
      void overview.refresh()
      return false
    } finally {
      this.pending.delete(id)
    }
  }

  dismiss(id: string): void {
    this.problems.delete(id)
  }
}

export const work = new ContainerWork()
