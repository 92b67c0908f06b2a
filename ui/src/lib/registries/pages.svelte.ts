import type { NamePage } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'

type Ask = (page: string | null) => Promise<NamePage>

/** A list of names that a registry tells in pages. A new question makes the answer to an earlier one void. */
export class Pages {
  names = $state.raw<readonly string[]>([])
  state = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle')
  problem = $state.raw<Problem | null>(null)
  #next = $state.raw<string | null>(null)
  #ask: Ask | undefined
  #turn = 0

  get more(): boolean {
    return this.#next !== null && this.state === 'ready'
  }

  /** Forgets everything. */
  clear(): void {
    this.#turn += 1
    this.#ask = undefined
    this.#next = null
    this.names = []
    this.problem = null
    this.state = 'idle'
  }

  async begin(ask: Ask): Promise<void> {
    this.clear()
    this.#ask = ask
    await this.#read(null)
  }

  /** Asks once more for what failed. */
  async again(): Promise<void> {
    if (this.state === 'failed') await this.#read(this.#next)
  }

  async readMore(): Promise<void> {
    if (this.more) await this.#read(this.#next)
  }

  async #read(page: string | null): Promise<void> {
    if (this.#ask === undefined) return
    const turn = ++this.#turn
    this.state = 'loading'
    this.problem = null
    try {
      const { names, next } = await this.#ask(page)
      if (turn !== this.#turn) return
      // Some registries repeat the last name of a page.
      this.names = [...this.names, ...names.filter((name) => !this.names.includes(name))]
      this.#next = next
      this.state = 'ready'
    } catch (thrown) {
      if (turn !== this.#turn) return
      this.problem = problemOf(thrown)
      this.state = 'failed'
    }
  }
}
