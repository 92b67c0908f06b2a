import { untrack } from 'svelte'
import { asEngineError, call, type BuildRecord, type DockerfileEdit, type DockerfileModel, type Forecast, type TextFix } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { BuildRun } from './buildRun.svelte'
import { Coach } from './coach/coach.svelte'
import { projects } from './projects.svelte'

const MODEL_PAUSE_MS = 25
const FORECAST_PAUSE_MS = 200
const UNDO_KEPT = 200

/** One project in the studio: its text, what the text says, and what a build would do or does. Views only show it. */
export class Studio {
  text = $state('')
  loaded = $state(false)
  problem = $state.raw<Problem | null>(null)
  model = $state.raw<DockerfileModel | null>(null)
  forecast = $state.raw<Forecast | null>(null)
  /** Why there is no forecast. */
  forecastProblem = $state.raw<Problem | null>(null)
  /** Whether the forecast is of the text that is shown. */
  forecastFresh = $state(false)
  /** The instruction that is looked at, in all views. */
  node = $state<number | null>(null)
  /** The build that is shown, running or ended. */
  run = $state.raw<BuildRun | null>(null)
  /** Whether the preview gives its place to the build. */
  showsRun = $state(false)
  /** The latest build that made an image. */
  built = $state.raw<BuildRecord | null>(null)
  conflict = $state(false)
  #saved = $state('')
  #version = ''
  #modelTimer: ReturnType<typeof setTimeout> | undefined
  #forecastTimer: ReturnType<typeof setTimeout> | undefined
  #asked = 0
  #undo: string[] = []
  #modelText = ''
  #edits: Promise<void> = Promise.resolve()

  readonly coach: Coach

  constructor(readonly project: string) {
    this.coach = new Coach(project)
    void this.#open()
  }

  get dirty(): boolean {
    return this.loaded && this.text !== this.#saved
  }

  /** Whether what is known of the text is known of the text that is shown. */
  get modelFresh(): boolean {
    return this.#modelText === this.text
  }

  get errors(): number {
    return this.model?.problems.filter(({ isError }) => isError).length ?? 0
  }

  get warnings(): number {
    return (this.model?.problems.length ?? 0) - this.errors
  }

  async #open(): Promise<void> {
    try {
      const file = await call('read_project_file', { project: this.project })
      this.#saved = file.text
      this.#version = file.version
      this.loaded = true
      this.#show(file.text)
      await this.#findBuilds()
    } catch (thrown) {
      this.problem = problemOf(thrown)
    }
  }

  async #findBuilds(): Promise<void> {
    const builds = await call('builds', { project: this.project })
    const running = builds.find(({ state }) => state === 'running')
    if (running) this.#follow(running.id)
    const built = builds.find(({ state }) => state === 'succeeded')
    if (built) this.built = await call('inspect_build', { build: built.id })
  }

  /** Takes a text from the editor, a form, or an old build. */
  edit(text: string): void {
    if (text === untrack(() => this.text)) return
    this.#undo = [...this.#undo, untrack(() => this.text)].slice(-UNDO_KEPT)
    // What a build said of a failure is still of use while it is mended.
    if (untrack(() => this.run?.summary?.state) === 'succeeded') this.showsRun = false
    this.#show(text)
  }

  undo(): void {
    const text = this.#undo.pop()
    if (text !== undefined) this.#show(text)
  }

  #show(text: string): void {
    this.text = text
    this.forecastFresh = false
    clearTimeout(this.#modelTimer)
    clearTimeout(this.#forecastTimer)
    this.#modelTimer = setTimeout(() => void this.#read(), MODEL_PAUSE_MS)
    this.#forecastTimer = setTimeout(() => void this.look(), FORECAST_PAUSE_MS)
  }

  async #read(): Promise<void> {
    const text = this.text
    const model = await call('dockerfile_model', { text, project: this.project })
    if (text !== this.text) return
    this.#modelText = text
    this.model = model
    if (this.node !== null && this.node >= model.blocks.length) this.node = null
  }

  /** Asks what a build of the text would do. */
  async look(): Promise<void> {
    const mine = ++this.#asked
    const text = this.text
    try {
      const forecast = await call('forecast', { project: this.project, text })
      if (mine !== this.#asked) return
      this.forecast = forecast
      this.forecastProblem = null
      this.forecastFresh = text === this.text
      if (this.forecastFresh) void this.coach.look(text)
    } catch (thrown) {
      if (mine !== this.#asked) return
      this.forecastProblem = problemOf(thrown)
    }
  }

  /** Changes one instruction and keeps every other byte. Changes wait for each other. */
  apply(edit: DockerfileEdit): Promise<void> {
    this.#edits = this.#edits.then(async () => {
      try {
        const { text } = await call('edit_dockerfile', { text: this.text, edit })
        this.edit(text)
        await this.#read()
      } catch (thrown) {
        this.problem = problemOf(thrown)
      }
    })
    return this.#edits
  }

  /** Takes the repair of a problem. */
  fix({ range, text }: TextFix): void {
    this.edit(this.text.slice(0, range.start) + text + this.text.slice(range.end))
  }

  /** Writes the text to disk, unless somebody else wrote there. */
  async save(over = false): Promise<boolean> {
    try {
      const file = await call('write_project_file', { project: this.project, text: this.text, version: over ? null : this.#version })
      this.#saved = file.text
      this.#version = file.version
      this.conflict = false
      this.problem = null
      return true
    } catch (thrown) {
      if (asEngineError(thrown).code === 'changedOutside') this.conflict = true
      else this.problem = problemOf(thrown)
      return false
    }
  }

  /** Looks whether the file was changed outside; what is not edited here is simply shown anew. */
  async compare(): Promise<void> {
    if (!this.loaded || this.conflict) return
    const file = await call('read_project_file', { project: this.project })
    if (file.version === this.#version) return void this.look()
    if (this.dirty) this.conflict = true
    else this.#take(file.text, file.version)
  }

  async takeTheirs(): Promise<void> {
    const file = await call('read_project_file', { project: this.project })
    this.#take(file.text, file.version)
  }

  #take(text: string, version: string): void {
    this.conflict = false
    this.#saved = text
    this.#version = version
    this.edit(text)
  }

  /** Saves and builds. */
  async build(): Promise<void> {
    if (this.run?.running || ((this.dirty || this.#version === 'missing') && !(await this.save()))) return
    try {
      const summary = await call('start_build', { project: this.project })
      this.#follow(summary.id)
    } catch (thrown) {
      this.problem = problemOf(thrown)
    }
  }

  #follow(id: string): void {
    this.run?.leave()
    this.showsRun = true
    this.run = new BuildRun(id, (record) => this.#ended(record))
    void projects.refresh()
  }

  #ended(record: BuildRecord): void {
    if (record.summary.state === 'succeeded') this.built = record
    const failed = record.steps.find(({ state }) => state === 'failed')
    if (failed) this.node = failed.node
    void this.look()
    void projects.refresh()
  }

  close(): void {
    clearTimeout(this.#modelTimer)
    clearTimeout(this.#forecastTimer)
    this.run?.leave()
  }
}
