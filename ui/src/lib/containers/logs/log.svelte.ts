import { stream, type LogBatch, type LogLine, type Subscription } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { append, CAPACITY, older, toLine, type Line } from './lines'

/** How many lines are asked for at once: enough for many screens, little enough to come at once. */
const PAGE = 2_000
const NS_PER_MS = 1_000_000

/** One container's log: the end of it, live, and more of the past as somebody scrolls up. */
export class Log {
  lines = $state.raw<readonly Line[]>([])
  /** Whether the lines that came last were put before the others. */
  prepended = $state.raw(false)
  state = $state<'loading' | 'live' | 'ended'>('loading')
  problem = $state.raw<Problem | null>(null)
  /** Nothing came before the first line. */
  complete = $state(false)

  #container: string
  #subscription: Subscription<null> | undefined
  #waiting: LogLine[] = []
  #frame = 0
  #nextKey = 0
  #firstKey = -1
  #fetching = false

  constructor(container: string) {
    this.#container = container
  }

  open(): void {
    this.#subscription = stream('container_logs', this.#query({ follow: true, tail: PAGE, untilNs: null }), (batch) => this.#take(batch))
    this.#subscription.done.then(
      () => (this.state = 'ended'),
      (thrown: unknown) => {
        this.state = 'ended'
        this.problem = problemOf(thrown)
      },
    )
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#subscription?.cancel()
  }

  /** Puts the page before the first line in front of it. */
  async loadOlder(): Promise<void> {
    const first = this.lines[0]
    if (first === undefined || this.#fetching || this.complete || this.lines.length + PAGE > CAPACITY) return
    this.#fetching = true
    const answer: LogLine[] = []
    const query = this.#query({ follow: false, tail: PAGE, untilNs: (first.atMs + 1) * NS_PER_MS })
    try {
      await stream('container_logs', query, ({ lines }) => answer.push(...lines)).done
      const more = older(answer, first)
      this.complete = more.length === 0
      const keyed = more.toReversed().map((line) => toLine(line, this.#firstKey--)).toReversed()
      this.prepended = true
      this.lines = [...keyed, ...this.lines]
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.#fetching = false
    }
  }

  #query(more: { follow: boolean; tail: number; untilNs: number | null }) {
    return { container: this.#container, sinceNs: null, stdout: true, stderr: true, ...more }
  }

  #take({ lines, ended }: LogBatch): void {
    this.#waiting.push(...lines)
    if (ended) this.state = 'ended'
    else if (this.state === 'loading') this.state = 'live'
    // One update a frame, however many batches arrive in it.
    this.#frame ||= requestAnimationFrame(() => this.#flush())
  }

  #flush(): void {
    this.#frame = 0
    const more = this.#waiting.splice(0).map((line) => toLine(line, this.#nextKey++))
    this.prepended = false
    this.lines = append(this.lines, more)
  }
}
