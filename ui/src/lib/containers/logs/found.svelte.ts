import { call, type LogStream } from '$lib/ipc/client'

export interface Wanted {
  container: string
  text: string
  stream: LogStream | 'all'
}

/** The numbers of the lines that somebody looks for in a whole log, kept up with it as it grows. */
export class Found {
  lines = $state.raw<readonly number[]>([])
  /** The first answer is here. */
  known = $state(false)

  #wanted: Wanted
  /** Up to where was looked, and up to where is to be. */
  #end = 0
  #until = 0
  #busy = false
  #over = false

  constructor(wanted: Wanted) {
    this.#wanted = wanted
  }

  /** Looks at the lines before `end` that were not looked at yet. */
  async lookUntil(end: number): Promise<void> {
    this.#until = end
    if (this.#busy) return
    this.#busy = true
    try {
      while (!this.#over && this.#end < this.#until) if (!(await this.#lookOn())) return
    } finally {
      this.#busy = false
    }
  }

  /** Forgets answers that are still under way. */
  stop(): void {
    this.#over = true
  }

  /** One answer; false when the log does not reach further. */
  async #lookOn(): Promise<boolean> {
    const { container, text, stream } = this.#wanted
    const from = this.#end
    const answer = await call('find_in_log', { container, text, stdout: stream !== 'stderr', stderr: stream !== 'stdout', from })
    if (this.#over) return false
    if (answer.lines.length > 0) this.lines = [...this.lines, ...answer.lines]
    this.#end = answer.end
    this.known = true
    return answer.end > from
  }
}
