import { untrack } from 'svelte'
import { call, type ContainerSummary, type Isolation } from '$lib/ipc/client'
import { Loader } from '$lib/system/loader.svelte'
import { alive } from '../state'
import { newEvents, withEvents, type LimitEvent } from './events'

const EVERY_MS = 1_000

/** The live facts of one container, asked for once a second while somebody looks. */
export class LiveFacts {
  loader = new Loader<Isolation>()
  /** Cores in use, from two readings of the CPU time. */
  cores = $state<number | null>(null)
  events = $state.raw<LimitEvent[]>([])
  #container = ''
  #before: Isolation | undefined

  /** Asks until the returned function is called. */
  watch(container: ContainerSummary): (() => void) | undefined {
    const { id } = container
    if (!alive(container)) return undefined
    const run = `${id} ${container.startedAtMs}`
    const keep = run === this.#container ? 'keep' : 'drop'
    if (keep === 'drop') this.#forget(run)
    void this.ask(id, keep)
    const timer = setInterval(() => {
      if (!document.hidden) void this.ask(id)
    }, EVERY_MS)
    return () => clearInterval(timer)
  }

  /** Asks now, as after a change. */
  async ask(id: string, keep: 'keep' | 'drop' = 'keep'): Promise<void> {
    await this.loader.load(() => call('container_isolation', { container: id }), keep)
    const now = this.loader.value
    if (now) this.#compare(now)
  }

  #forget(run: string): void {
    this.#container = run
    this.#before = undefined
    this.cores = null
    this.events = []
  }

  #compare(now: Isolation): void {
    const before = this.#before
    this.#before = now
    if (before === undefined || now.atMs <= before.atMs) return
    const used = (facts: Isolation): number | null => facts.cgroup.limits.find(({ kind }) => kind === 'cpu')?.used ?? null
    const [was, is] = [used(before), used(now)]
    this.cores = was === null || is === null ? null : Math.max(0, (is - was) / 1_000 / (now.atMs - before.atMs))
    const added = newEvents(before.cgroup.events, now.cgroup.events, now.atMs)
    if (added.length > 0) this.events = withEvents(untrack(() => this.events), added)
  }
}
