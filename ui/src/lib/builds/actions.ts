import type { Action } from '$lib/actions/action'
import { call, type Project } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import { BuildsIcon, DeleteIcon, HistoryIcon, SettingsIcon } from '$lib/shared/icons'
import { router } from '$lib/shared/router.svelte'
import { toasts } from '$lib/shared/toasts.svelte'
import { problemOf } from '$lib/system/problem'
import { buildDialogs } from './dialogs.svelte'
import { projects } from './projects.svelte'

type ProjectAction = Action<Project>

function tell(thrown: unknown, name: string): void {
  const { message, causes } = problemOf(thrown)
  toasts.show({ tone: 'failed', text: message, detail: causes[0] ?? name })
}

export const build: ProjectAction = {
  id: 'project.build',
  icon: BuildsIcon,
  label: () => t.builds.build,
  shortcut: { code: 'KeyB' },
  group: 0,
  single: true,
  fits: (project) => project.found && project.last?.state !== 'running',
  async run([project]) {
    if (!project) return
    try {
      await call('start_build', { project: project.id })
      router.go({ page: 'builds', id: project.id, tab: 'studio' })
    } catch (thrown) {
      tell(thrown, project.name)
    }
  },
}

const history: ProjectAction = {
  id: 'project.history',
  icon: HistoryIcon,
  label: () => t.builds.tabs.history,
  group: 1,
  single: true,
  fits: () => true,
  run: ([project]) => {
    if (project) router.go({ page: 'builds', id: project.id, tab: 'history' })
  },
}

export const settings: ProjectAction = {
  id: 'project.settings',
  icon: SettingsIcon,
  label: () => t.studio.settings,
  group: 1,
  single: true,
  fits: () => true,
  run: ([project]) => {
    if (project) buildDialogs.settings = project
  },
}

const remove: ProjectAction = {
  id: 'project.remove',
  icon: DeleteIcon,
  label: () => t.builds.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 2,
  single: true,
  fits: () => true,
  async run([project]) {
    if (!project) return
    const yes = await confirmation.ask({
      title: t.builds.removeTitle(project.name),
      text: t.builds.removeText,
      objects: [{ name: project.name, detail: project.folder }],
      verb: t.builds.remove,
    })
    if (!yes) return
    try {
      await call('remove_project', { project: project.id })
      await projects.refresh()
      toasts.show({ tone: 'plain', text: t.builds.removed(project.name) })
      if (router.route.page === 'builds' && router.route.id === project.id) router.go({ page: 'builds' })
    } catch (thrown) {
      tell(thrown, project.name)
    }
  },
}

/** Every verb of a project, in the order of its menu. */
export const projectActions: readonly ProjectAction[] = [build, history, settings, remove]
