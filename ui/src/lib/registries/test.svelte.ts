import { call, type RegistryCheck } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'

/** A test of one registry, step by step. */
export class RegistryTest {
  running = $state(false)
  check = $state.raw<RegistryCheck | null>(null)
  problem = $state.raw<Problem | null>(null)
  #turn = 0

  get asked(): boolean {
    return this.running || this.check !== null || this.problem !== null
  }

  forget(): void {
    this.#turn += 1
    this.running = false
    this.check = null
    this.problem = null
  }

  async run(registry: string): Promise<void> {
    this.forget()
    const turn = this.#turn
    this.running = true
    try {
      const check = await call('check_registry', { registry })
      if (turn === this.#turn) this.check = check
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemOf(thrown)
    } finally {
      if (turn === this.#turn) this.running = false
    }
  }
}
