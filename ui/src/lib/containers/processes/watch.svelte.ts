import { untrack } from 'svelte'
import type { ContainerSummary } from '$lib/ipc/client'

export type Entry =
  | { kind: 'sent'; signal: string }
  | { kind: 'stopping'; signal: string; seconds: number }
  | { kind: 'waiting'; seconds: number }
  | { kind: 'alive' | 'paused' | 'refused' }
  | { kind: 'killed'; afterMs: number }
  | { kind: 'ended'; code: number; afterMs: number }

export type Told = Entry & { atMs: number }

/** A process that wants to end on a signal does so well within this. */
const SETTLED_MS = 1_500
const KILLED = 137
const KEPT = 40

/** Tells, newest first, what became of the signals that were sent from this tab. */
export class SignalWatch {
  entries = $state.raw<Told[]>([])
  #since: number | null = null
  #grace: number | null = null
  #timers: ReturnType<typeof setTimeout>[] = []

  sent(signal: string, freezes: boolean): void {
    this.#begin({ kind: 'sent', signal })
    this.#later(SETTLED_MS, { kind: freezes ? 'paused' : 'alive' })
  }

  /** The grace is told second by second, so that waiting is seen as waiting. */
  stopping(signal: string, seconds: number): void {
    this.#begin({ kind: 'stopping', signal, seconds })
    this.#grace = seconds * 1_000
    for (let second = 1; second < seconds; second++) this.#later(second * 1_000, { kind: 'waiting', seconds: second })
  }

  refused(): void {
    this.#end()
    this.#add({ kind: 'refused' })
  }

  /** Looks at what the container has become. */
  follow({ status, exit }: ContainerSummary): void {
    if (status !== 'stopped' || exit === null || this.#since === null || exit.atMs < this.#since) return
    const afterMs = exit.atMs - this.#since
    const outlasted = this.#grace !== null && exit.code === KILLED && afterMs >= this.#grace
    this.#end()
    if (outlasted) this.#add({ kind: 'killed', afterMs })
    this.#add({ kind: 'ended', code: exit.code, afterMs })
  }

  /** Stops telling, as when the tab is left. */
  leave(): void {
    this.#end()
  }

  #begin(entry: Entry): void {
    this.#end()
    this.#since = Date.now()
    this.#add(entry)
  }

  #later(afterMs: number, entry: Entry): void {
    this.#timers.push(setTimeout(() => this.#add(entry), afterMs))
  }

  #add(entry: Entry): void {
    const waiting = (told: Told): boolean => told.kind === 'waiting'
    // One line counts the seconds.
    const before = untrack(() => this.entries).filter((told, index) => !(index === 0 && waiting(told) && entry.kind === 'waiting'))
    this.entries = [{ ...entry, atMs: Date.now() }, ...before].slice(0, KEPT)
  }

  #end(): void {
    this.#timers.forEach(clearTimeout)
    this.#timers = []
    this.#since = null
    this.#grace = null
  }
}
