import { call, type Repaired, type StoreCheck } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from './problem'

/** The last look at everything that is kept, and the last repair. It goes on while other pages are looked at. */
class StoreHealthState {
  doing = $state<'nothing' | 'checking' | 'repairing'>('nothing')
  check = $state.raw<StoreCheck | null>(null)
  repaired = $state.raw<Repaired | null>(null)
  problem = $state.raw<Problem | null>(null)
  beganAt = $state(0)
  tookMs = $state(0)

  async look(): Promise<void> {
    await this.#do('checking', async () => {
      this.repaired = null
      this.check = await call('check_store')
    })
  }

  async repair(): Promise<void> {
    await this.#do('repairing', async () => {
      this.repaired = await call('repair_store')
      this.check = null
    })
  }

  async #do(doing: 'checking' | 'repairing', work: () => Promise<void>): Promise<void> {
    if (this.doing !== 'nothing') return
    this.doing = doing
    this.problem = null
    this.beganAt = Date.now()
    try {
      await work()
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.tookMs = Date.now() - this.beganAt
      this.doing = 'nothing'
    }
  }
}

export const storeHealth = new StoreHealthState()
