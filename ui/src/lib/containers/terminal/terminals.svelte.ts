import { SvelteMap } from 'svelte/reactivity'
import { TerminalSession } from './session.svelte'

/** The terminals that are open, one for each container. */
class Terminals {
  #sessions = new SvelteMap<string, TerminalSession>()

  of(container: string): TerminalSession | undefined {
    return this.#sessions.get(container)
  }

  /** Makes a new one in place of any other; the caller shows it and opens it. */
  create(container: string): TerminalSession {
    this.close(container)
    const session = new TerminalSession()
    this.#sessions.set(container, session)
    return session
  }

  close(container: string): void {
    this.#sessions.get(container)?.close()
    this.#sessions.delete(container)
  }
}

export const terminals = new Terminals()
