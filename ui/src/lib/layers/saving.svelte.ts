import { call, type FilesOf } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { t } from '$lib/shared/i18n/index.svelte'
import { bytes } from '$lib/shared/format'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { baseName } from './tree'

interface Wanted {
  of: FilesOf
  path: string
  layer: number
}

/** The dialog that copies a file out of a layer. */
class Saving {
  wanted = $state.raw<Wanted | null>(null)
  to = $state('')
  problem = $state.raw<Problem | null>(null)

  ask(of: FilesOf, path: string, layer: number): void {
    this.wanted = { of, path, layer }
    this.to = `/tmp/${baseName(path)}`
    this.problem = null
  }

  close(): void {
    this.wanted = null
  }

  async save(): Promise<void> {
    if (this.wanted === null) return
    try {
      const saved = await call('save_file', { ...this.wanted, to: this.to.trim() })
      toasts.show({ tone: 'plain', text: t.layers.saved(saved.path), detail: bytes(saved.sizeBytes) })
      this.close()
    } catch (thrown) {
      this.problem = problemOf(thrown)
    }
  }
}

export const saving = new Saving()
