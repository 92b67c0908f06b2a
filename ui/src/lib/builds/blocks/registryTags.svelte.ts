import { call } from '$lib/ipc/client'
import { repositoryOf } from './tags'

/** A registry is only asked when typing pauses. */
const PAUSE_MS = 300

/** The tags that a registry has for the image that is being typed. */
export class RegistryTags {
  /** Whole names, as they can be taken. */
  names = $state.raw<readonly string[]>([])
  #repository: string | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  look(image: string): void {
    const repository = repositoryOf(image.trim())
    if (repository === this.#repository) return
    clearTimeout(this.#timer)
    this.#repository = repository
    this.names = []
    if (repository !== null) this.#timer = setTimeout(() => void this.#ask(repository), PAUSE_MS)
  }

  async #ask(repository: string): Promise<void> {
    // Without a registry the name can be typed all the same; what is wrong with it is said when it is pulled.
    const page = await call('list_tags', { repository, page: null }).catch(() => null)
    if (page && repository === this.#repository) this.names = page.names.map((tag) => `${repository}:${tag}`)
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
