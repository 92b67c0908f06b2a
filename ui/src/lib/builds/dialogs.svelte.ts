import type { BuildStep, Project } from '$lib/ipc/client'

/** The dialog about a project that is open. */
class BuildDialogs {
  creating = $state(false)
  settings = $state.raw<Project | null>(null)
  /** The failed step that a shell is opened at. */
  shell = $state.raw<{ build: string; step: BuildStep } | null>(null)
}

export const buildDialogs = new BuildDialogs()
