/**
 * What is typed, on its way to the engine. Calls may overtake each other, so only one is under way;
 * keys pressed meanwhile, or before there is a session, wait and go together.
 */
export class Typing {
  #waiting = ''
  #sending = false
  #send: ((data: string) => Promise<unknown>) | undefined

  /** Sends what waits, and from now on everything. */
  open(send: (data: string) => Promise<unknown>): Promise<void> {
    this.#send = send
    return this.#flush()
  }

  add(data: string): Promise<void> {
    this.#waiting += data
    return this.#flush()
  }

  async #flush(): Promise<void> {
    if (this.#sending || this.#send === undefined) return
    this.#sending = true
    try {
      while (this.#waiting !== '') {
        const data = this.#waiting
        this.#waiting = ''
        await this.#send(data)
      }
    } finally {
      this.#sending = false
    }
  }
}
