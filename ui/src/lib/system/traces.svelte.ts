import type { ActionTrace } from '$lib/ipc/client'

const KEPT = 50

/** What was done from this window, newest first: the inspector shows it in three voices. */
class TraceStore {
  list = $state.raw<readonly ActionTrace[]>([])

  record(trace: ActionTrace): void {
    this.list = [trace, ...this.list].slice(0, KEPT)
  }

  /** The last action on an object, by the name a person gives it. */
  about(...names: readonly (string | undefined)[]): ActionTrace | undefined {
    return this.list.find((trace) => names.includes(trace.subject))
  }
}

export const traces = new TraceStore()
