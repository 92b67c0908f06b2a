import { call, type PruneItem, type PruneKey, type PruneReceipt } from '$lib/ipc/client'
import { bytes } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'
import type { Problem } from '$lib/shared/loading'
import { toasts } from '$lib/shared/toasts.svelte'
import { Loader } from '../loader.svelte'
import { problemOf } from '../problem'
import { traces } from '../traces.svelte'

const same = (a: PruneKey, b: PruneKey): boolean => a.kind === b.kind && a.id === b.id

/** The receipt of what could go. The engine adds it up anew at each change, because what is shared is only freed together. */
class Receipt {
  open = $state(false)
  busy = $state(false)
  problem = $state.raw<Problem | null>(null)
  receipt = new Loader<PruneReceipt>()

  show(): void {
    this.open = true
    this.problem = null
    void this.receipt.load(() => call('prune_receipt', { picked: null }), 'drop')
  }

  close(): void {
    this.open = false
  }

  choose(items: readonly PruneItem[], picked: boolean): void {
    const all = this.receipt.value?.items ?? []
    const wanted = all.filter((item) => (items.some(({ key }) => same(key, item.key)) ? picked : item.picked))
    void this.receipt.load(() => call('prune_receipt', { picked: wanted.map(({ key }) => key) }))
  }

  async remove(): Promise<void> {
    const picked = (this.receipt.value?.items ?? []).filter((item) => item.picked).map(({ key }) => key)
    this.busy = true
    this.problem = null
    try {
      const { value, trace } = await call('prune', { picked })
      traces.record(trace)
      toasts.show({ tone: 'plain', text: t.prune.done(value.removed), detail: t.images.freed(bytes(value.freedBytes)) })
      if (value.failed.length === 0) this.close()
      else {
        this.problem = { code: 'prune', message: t.prune.someStayed(value.failed.length), causes: value.failed }
        await this.receipt.load(() => call('prune_receipt', { picked: [] }))
      }
    } catch (thrown) {
      this.problem = problemOf(thrown)
    } finally {
      this.busy = false
    }
  }
}

export const receipt = new Receipt()
