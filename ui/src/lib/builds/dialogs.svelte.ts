import type { Project } from '$lib/ipc/client'

/** The dialog about a project that is open. */
class BuildDialogs {
  creating = $state(false)
  settings = $state.raw<Project | null>(null)
}

export const buildDialogs = new BuildDialogs()
