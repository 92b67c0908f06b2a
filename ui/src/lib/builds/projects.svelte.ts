import { call, type BuildSummary, type Project, type SaveProject } from '$lib/ipc/client'
import { Selection } from '$lib/shared/selection.svelte'
import { Loader } from '$lib/system/loader.svelte'

/** The projects, and the builds of other clients. They are read again when a build begins or ends. */
class Projects {
  loader = new Loader<{ projects: Project[]; others: BuildSummary[] }>()
  query = $state('')
  selection = new Selection()

  all = $derived(this.loader.value?.projects ?? [])
  others = $derived(this.loader.value?.others ?? [])
  shown = $derived(this.all.filter(({ name, folder }) => `${name} ${folder}`.toLowerCase().includes(this.query.trim().toLowerCase())))
  ids = $derived(this.shown.map(({ id }) => id))

  async refresh(): Promise<void> {
    await this.loader.load(async () => {
      const [projects, builds] = await Promise.all([call('projects'), call('builds', { project: null })])
      return { projects, others: builds.filter(({ project }) => project === null).slice(0, 20) }
    })
  }

  find(id: string): Project | undefined {
    return this.all.find((project) => project.id === id)
  }

  async save(change: SaveProject): Promise<void> {
    await call('save_project', change)
    await this.refresh()
  }
}

export const projects = new Projects()
