import { SvelteMap } from 'svelte/reactivity'
import { stream, type HostSample, type Sample, type StatsTick, type Subscription } from '$lib/ipc/client'

/** Samples kept of one container for its row: a minute. */
export const KEPT = 60

const SETTLE_MS = 250
const RETRY_MS = 3_000

/** Use of the machine and of the containers that are on screen, once a second; nothing while the window is hidden. */
class UsageStore {
  host = $state.raw<HostSample | null>(null)
  /** Oldest first, by container id. */
  samples = new SvelteMap<string, readonly Sample[]>()
  #watched: readonly string[] = []
  #subscription: Subscription<null> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  start(): void {
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#stop() : this.#restart()))
    this.#restart()
  }

  /** Chooses whose use is reported; none named means all that run. */
  watch(containers: readonly string[]): void {
    if (containers.join() === this.#watched.join()) return
    this.#watched = containers
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#restart(), SETTLE_MS)
  }

  latest(container: string): Sample | undefined {
    return this.samples.get(container)?.at(-1)
  }

  #stop(): void {
    this.#subscription?.cancel()
    this.#subscription = undefined
  }

  #restart(): void {
    this.#stop()
    if (document.hidden) return
    const subscription = stream('watch_stats', { containers: [...this.#watched] }, (tick) => this.#take(tick))
    this.#subscription = subscription
    const again = (): void => {
      if (this.#subscription !== subscription) return
      this.#timer = setTimeout(() => this.#restart(), RETRY_MS)
    }
    subscription.done.then(again, again)
  }

  #take({ rows, host }: StatsTick): void {
    this.host = host
    for (const { container, sample } of rows) {
      const before = this.samples.get(container) ?? []
      this.samples.set(container, [...before.slice(1 - KEPT), sample])
    }
  }
}

export const usage = new UsageStore()
