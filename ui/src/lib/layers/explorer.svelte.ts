import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { call, type FileContent, type FileRow, type FilesOf, type FilesSummary, type Folder, type FoundFiles } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { Loader } from '$lib/system/loader.svelte'
import { problemOf } from '$lib/system/problem'
import { ancestors, lines, worthOpening } from './tree'

export type Shown = 'changed' | 'all'

/** What a layer explorer looks at: the files of an image or a container after one of its layers. */
export class Explorer {
  readonly #folders = new SvelteMap<string, Folder>()
  readonly #open = new SvelteSet<string>()
  layer = $state(0)
  shown = $state<Shown>('all')
  query = $state('')
  active = $state<string | null>(null)
  problem = $state.raw<Problem | null>(null)
  /** Whether the answer to the first question is there: before, nothing must look empty. */
  ready = $state(false)
  summary = new Loader<FilesSummary>()
  found = new Loader<FoundFiles>()
  content = new Loader<FileContent>()
  lines = $derived.by(() => lines(this.#folders, this.#open))
  chosen = $derived.by(() => this.lines.find(({ path }) => path === this.active))

  #turn = 0
  #searching = false

  constructor(readonly of: FilesOf, { layer, shown }: { layer: number; shown: Shown }) {
    this.layer = layer
    this.shown = shown
    void this.summary.load(() => call('files_summary', { of }))
    void this.#restart()
  }

  file = $derived.by((): FileRow | undefined => (this.chosen?.kind === 'file' ? this.chosen.file : undefined))

  look(layer: number, shown: Shown = this.shown): void {
    if (layer === this.layer && shown === this.shown) return
    this.layer = layer
    this.shown = shown
    this.active = null
    void this.#restart()
  }

  /** Opens or closes a folder. */
  async toggle(path: string): Promise<void> {
    if (!this.#open.delete(path)) await this.#openFolders([path])
  }

  async more(folder: string): Promise<void> {
    await this.#ask(folder, this.#folders.get(folder)?.files.length ?? 0)
  }

  /** Shows a file wherever it is, all folders on the way open. */
  async reveal(path: string, layer: number): Promise<void> {
    this.query = ''
    if (layer !== this.layer || this.shown !== 'all') {
      this.layer = layer
      this.shown = 'all'
      await this.#restart()
    }
    await this.#openFolders(ancestors(path))
    this.active = path
    if (this.file?.kind === 'file') this.preview(path, this.file.layer)
  }

  /** Asks anew for all that is shown: a container goes on writing. */
  async refresh(): Promise<void> {
    await Promise.all([this.summary.load(() => call('files_summary', { of: this.of })), ...[...this.#folders.keys()].map((folder) => this.#ask(folder, 0))])
  }

  /** Asks at once; while an answer is under way, only the last word that was typed is asked next. */
  async search(): Promise<void> {
    if (this.#searching) return
    this.#searching = true
    let text = ''
    while (this.query.trim() !== '' && this.query.trim() !== text) {
      text = this.query.trim()
      const asked = text
      await this.found.load(() => call('search_files', { of: this.of, text: asked }))
    }
    this.#searching = false
  }

  preview(path: string, layer: number): void {
    void this.content.load(() => call('read_file', { of: this.of, path, layer }), 'drop')
  }

  async #restart(): Promise<void> {
    this.#turn += 1
    this.#folders.clear()
    this.#open.clear()
    this.ready = false
    await this.#openFolders(['/'])
    this.ready = true
  }

  async #openFolders(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      if (!this.#folders.has(path)) await this.#ask(path, 0)
      const folder = this.#folders.get(path)
      const inner = folder && this.shown === 'changed' ? worthOpening(path, folder, this.lines.length).filter((child) => !this.#open.has(child)) : []
      // At once, so that the tree does not grow line by line.
      await Promise.all(inner.map((child) => this.#ask(child, 0)))
      this.#open.add(path)
      await this.#openFolders(inner)
    }
  }

  async #ask(path: string, offset: number): Promise<void> {
    const turn = this.#turn
    try {
      const { of, layer, shown } = this
      const part = await call('list_folder', { of, layer, path, changedOnly: shown === 'changed', offset })
      if (turn !== this.#turn) return
      const before = offset === 0 ? [] : (this.#folders.get(path)?.files ?? [])
      this.#folders.set(path, { total: part.total, files: [...before, ...part.files] })
      this.problem = null
    } catch (thrown) {
      if (turn === this.#turn) this.problem = problemOf(thrown)
    }
  }
}
