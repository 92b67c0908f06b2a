import { call, stream, type LogExtent, type Subscription } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { plain, type Line } from './lines'
import { PAGE, pageOf, Pages } from './pages'

/** What is asked for at the same time; what somebody has scrolled past by then is not asked for at all. */
const AT_ONCE = 2
/** The engine gives no more lines in one answer. */
const MOST_LINES = 1_000
/** Lines that are copied; more is a file, not a clipboard. */
const MOST_COPIED = 20_000

/** One container's log: how long it is, live, and the lines of it that somebody looks at. */
export class Log {
  first = $state(0)
  end = $state(0)
  /** Grows when lines have come; who reads lines reads it first. */
  version = $state(0)
  /** Lines of two editions have nothing to do with each other. */
  edition = $state(0)
  state = $state<'loading' | 'live' | 'ended'>('loading')
  problem = $state.raw<Problem | null>(null)
  length = $derived(this.end - this.first)

  readonly container: string
  #pages = new Pages()
  /** Pages that are on the screen and not here, the latest last. */
  #wanted: number[] = []
  #asked: number[] = []
  #subscription: Subscription<null> | undefined

  constructor(container: string) {
    this.container = container
  }

  /** Listens, whenever the window is to be seen. */
  open(): void {
    document.addEventListener('visibilitychange', this.#follow)
    this.#follow()
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#follow)
    this.#wanted = []
    this.#stop()
  }

  #follow = (): void => {
    this.#stop()
    if (!document.hidden) this.#listen()
  }

  /** A stream that is canceled has nothing more to say. */
  #stop(): void {
    this.#subscription?.cancel()
    this.#subscription = undefined
  }

  #listen(): void {
    const subscription = stream('watch_log', { container: this.container }, (extent) => this.#take(extent))
    this.#subscription = subscription
    const isLast = (): boolean => this.#subscription === subscription
    subscription.done.then(
      () => isLast() && (this.state = 'ended'),
      (thrown: unknown) => isLast() && this.fail(thrown),
    )
  }

  /** A line, if it is here. */
  line(number: number): Line | undefined {
    return this.version < 0 ? undefined : this.#pages.get(number)
  }

  /** Asks for a line that is on the screen. */
  want(number: number): void {
    const page = pageOf(number)
    if (this.#asked.includes(page)) return
    this.#wanted = [...this.#wanted.filter((other) => other !== page), page].slice(-AT_ONCE)
    queueMicrotask(() => this.#ask())
  }

  /** The text of lines, as many as a clipboard takes; the last ones, if they are too many. */
  async textOf(numbers: readonly number[]): Promise<string> {
    const texts: string[] = []
    for (let at = Math.max(0, numbers.length - MOST_COPIED); at < numbers.length;) {
      const from = numbers[at] ?? 0
      await this.#fetch(from, MOST_LINES)
      for (; at < numbers.length && (numbers[at] ?? 0) < from + MOST_LINES; at++) {
        const line = this.#pages.get(numbers[at] ?? 0)
        if (line !== undefined) texts.push(plain(line))
      }
    }
    return texts.join('\n')
  }

  #ask(): void {
    while (this.#asked.length < AT_ONCE) {
      const page = this.#wanted.pop()
      if (page === undefined) return
      if (this.#asked.includes(page)) continue
      this.#asked.push(page)
      void this.#fetch(page * PAGE, PAGE).finally(() => {
        this.#asked = this.#asked.filter((other) => other !== page)
        this.#ask()
      })
    }
  }

  async #fetch(from: number, count: number): Promise<void> {
    try {
      const slice = await call('log_lines', { container: this.container, from, count })
      if (slice.edition !== this.edition) return
      this.#pages.put(slice.from, slice.lines)
      this.version++
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  #take({ edition, first, end, last, ended }: LogExtent): void {
    if (edition !== this.edition) this.#pages.clear()
    this.edition = edition
    this.#pages.put(end - last.length, last)
    this.first = first
    this.end = end
    this.version++
    this.state = ended ? 'ended' : 'live'
  }

  /** Says what could not be read. */
  fail(thrown: unknown): void {
    this.state = 'ended'
    this.problem = problemOf(thrown)
  }
}
