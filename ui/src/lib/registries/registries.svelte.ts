import { call, type Registry } from '$lib/ipc/client'
import { toasts } from '$lib/shared/toasts.svelte'
import { Loader } from '$lib/system/loader.svelte'
import { problemOf } from '$lib/system/problem'
import { t } from '$lib/shared/i18n/index.svelte'

/** A registry that nothing here is from yet. */
const stranger = (host: string): Registry => ({ host, signIn: null, insecure: false, mirrors: [], names: 0 })

/** The registries that this machine deals with. */
class Registries {
  loader = new Loader<Registry[]>()
  /** Grows whenever who asks has changed: what a registry told before may no longer hold. */
  version = $state(0)
  list = $derived(this.loader.value ?? [])

  async load(): Promise<void> {
    await this.loader.load(() => call('registries'))
  }

  of(host: string): Registry {
    return this.list.find((registry) => registry.host === host) ?? stranger(host)
  }

  async signOut(host: string): Promise<void> {
    try {
      await call('sign_out', { registry: host })
      toasts.show({ tone: 'plain', text: t.registries.signedOut(host) })
      await this.changed()
    } catch (thrown) {
      const { message, causes, hint } = problemOf(thrown)
      toasts.show({ tone: 'failed', text: message, detail: hint ?? causes[0] ?? host })
    }
  }

  async changed(): Promise<void> {
    this.version += 1
    await this.load()
  }
}

export const registries = new Registries()
