import { call } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { router } from '$lib/shared/router.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { traces } from '$lib/system/traces.svelte'
import { imageTitle } from '../name'
import { FileWork } from './fileWork.svelte'

/** The dialog that makes an image of a file system: a tar, or a folder. */
class Importing {
  open = $state(false)
  path = $state('')
  reference = $state('')
  changes = $state('')
  work = new FileWork('importImage')

  ask(): void {
    if (!this.work.running) {
      this.path = ''
      this.reference = ''
      this.changes = ''
      this.work.reset()
    }
    this.open = true
  }

  close(): void {
    this.open = false
  }

  async start(): Promise<void> {
    const path = this.path.trim()
    const changes = this.changes.split('\n').filter((line) => line.trim() !== '')
    await this.work.do(async () => {
      const { value, trace } = await call('import_image', { path, reference: this.reference.trim() || null, changes, comment: null, platform: null })
      traces.record(trace)
      if (this.open) router.go({ page: 'images', id: value.id, tab: 'layers' })
      this.open = false
      toasts.show({ tone: 'plain', text: t.importing.done(imageTitle(value)), detail: path })
    })
  }
}

export const importing = new Importing()
