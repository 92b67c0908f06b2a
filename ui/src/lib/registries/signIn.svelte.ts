import { call, type Registry } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { registries } from './registries.svelte'

/** The dialog that signs in to a registry. The password lives as long as the dialog. */
class SignInState {
  open = $state(false)
  host = $state('')
  username = $state('')
  password = $state('')
  busy = $state(false)
  problem = $state.raw<Problem | null>(null)
  #then: ((registry: Registry) => void) | undefined

  /** Asks for an account; `then` goes on with what the registry refused before. */
  ask(host: string, then?: (registry: Registry) => void): void {
    this.host = host
    this.username = registries.of(host).signIn?.username ?? ''
    this.password = ''
    this.problem = null
    this.#then = then
    this.open = true
  }

  close(): void {
    this.open = false
    this.password = ''
  }

  async accept(): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.problem = null
    try {
      const { host, username, password } = this
      const registry = await call('sign_in', { registry: host.trim(), credentials: { username: username.trim(), password } })
      this.close()
      await registries.changed()
      this.#then?.(registry)
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.busy = false
    }
  }
}

export const signIn = new SignInState()
