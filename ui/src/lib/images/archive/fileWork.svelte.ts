import { call, type Activity } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { overview } from '$lib/system/overview.svelte'
import { problemOf } from '$lib/system/problem'

/** Work on a file that a dialog waits for: how far it is, as its activity says, and its end. */
export class FileWork {
  /** When the work began that is under way. */
  beganAt = $state<number | null>(null)
  problem = $state.raw<Problem | null>(null)
  canceled = $state(false)
  activity = $derived.by((): Activity | undefined => {
    if (this.beganAt === null) return undefined
    return overview.activities.find(({ kind, state }) => state === 'running' && this.#kinds.includes(kind))
  })
  readonly #kinds: readonly Activity['kind'][]

  constructor(...kinds: Activity['kind'][]) {
    this.#kinds = kinds
  }

  get running(): boolean {
    return this.beganAt !== null
  }

  reset(): void {
    this.problem = null
    this.canceled = false
  }

  async do(work: () => Promise<void>): Promise<void> {
    if (this.running) return
    this.reset()
    this.beganAt = Date.now()
    try {
      await work()
    } catch (thrown) {
      const problem = problemOf(thrown)
      this.canceled = problem.code === 'canceled'
      this.problem = this.canceled ? null : problem
    } finally {
      this.beganAt = null
    }
  }

  /** The engine ends the work and tidies up; the call then fails with "canceled". */
  async cancel(): Promise<void> {
    if (this.activity === undefined) return
    try {
      await call('cancel_activity', { id: this.activity.id })
    } catch (thrown) {
      // It may have ended meanwhile, which the call itself tells.
      if (this.running) this.problem = problemOf(thrown)
    }
  }
}
