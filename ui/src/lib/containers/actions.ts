import type { Action } from '$lib/actions/action'
import { call, type ContainerSummary } from '$lib/ipc/client'
import { confirmation } from '$lib/shared/confirm.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import {
  DeleteIcon,
  EditIcon,
  IsolationIcon,
  KillIcon,
  LimitsIcon,
  LogsIcon,
  PauseIcon,
  PlayIcon,
  ResourcesIcon,
  RestartIcon,
  SignalIcon,
  StopIcon,
  TerminalIcon,
  TimelineIcon,
} from '$lib/shared/icons'
import type { ContainerTab } from '$lib/shared/route'
import { router } from '$lib/shared/router.svelte'
import { copyActions } from './copies/actions'
import { dialogs } from './dialogs.svelte'
import { active, alive, describe } from './state'
import { work } from './work.svelte'

type ContainerAction = Action<ContainerSummary>

const each = (targets: readonly ContainerSummary[], act: (target: ContainerSummary) => Promise<unknown>): void => {
  for (const target of targets) void act(target)
}

const stopRequest = ({ id }: ContainerSummary) => ({ container: id, timeoutS: null, signal: null })

function opens(tab: ContainerTab): ContainerAction['run'] {
  return ([target]) => {
    if (target) router.go({ page: 'containers', id: target.id, tab })
  }
}

export const start: ContainerAction = {
  id: 'container.start',
  icon: PlayIcon,
  label: () => t.containers.verbs.start,
  shortcut: { code: 'KeyS' },
  group: 0,
  fits: ({ status }) => status === 'created' || status === 'stopped',
  run: (targets) => each(targets, (target) => work.run(target, 'start', () => call('start_container', { container: target.id }))),
}

export const stop: ContainerAction = {
  id: 'container.stop',
  icon: StopIcon,
  label: () => t.containers.verbs.stop,
  shortcut: { code: 'KeyS' },
  group: 0,
  fits: active,
  run: (targets) => each(targets, (target) => work.run(target, 'stop', () => call('stop_container', stopRequest(target)))),
}

export const restart: ContainerAction = {
  id: 'container.restart',
  icon: RestartIcon,
  label: () => t.containers.verbs.restart,
  shortcut: { code: 'KeyR' },
  group: 0,
  fits: ({ status }) => status === 'running' || status === 'restarting' || status === 'stopped',
  run: (targets) => each(targets, (target) => work.run(target, 'restart', () => call('restart_container', stopRequest(target)))),
}

export const pause: ContainerAction = {
  id: 'container.pause',
  icon: PauseIcon,
  label: () => t.containers.verbs.pause,
  shortcut: { code: 'KeyP' },
  group: 0,
  fits: ({ status }) => status === 'running',
  run: (targets) => each(targets, (target) => work.run(target, 'pause', () => call('pause_container', { container: target.id }))),
}

export const resume: ContainerAction = {
  id: 'container.resume',
  icon: PlayIcon,
  label: () => t.containers.verbs.resume,
  shortcut: { code: 'KeyP' },
  group: 0,
  fits: ({ status }) => status === 'paused',
  run: (targets) => each(targets, (target) => work.run(target, 'resume', () => call('resume_container', { container: target.id }))),
}

const logs: ContainerAction = {
  id: 'container.logs',
  icon: LogsIcon,
  label: () => t.containers.tabs.logs,
  shortcut: { code: 'KeyL' },
  group: 1,
  single: true,
  fits: () => true,
  run: opens('logs'),
}

export const terminal: ContainerAction = {
  id: 'container.terminal',
  icon: TerminalIcon,
  label: () => t.containers.tabs.terminal,
  shortcut: { code: 'KeyT' },
  group: 1,
  single: true,
  fits: ({ status }) => status === 'running',
  run: opens('terminal'),
}

const resources: ContainerAction = {
  id: 'container.resources',
  icon: ResourcesIcon,
  label: () => t.containers.tabs.resources,
  group: 1,
  single: true,
  fits: () => true,
  run: opens('resources'),
}

const isolation: ContainerAction = {
  id: 'container.isolation',
  icon: IsolationIcon,
  label: () => t.containers.tabs.isolation,
  group: 1,
  single: true,
  fits: alive,
  run: opens('isolation'),
}

const processes: ContainerAction = {
  id: 'container.processes',
  icon: SignalIcon,
  label: () => t.containers.tabs.processes,
  group: 1,
  single: true,
  fits: alive,
  run: opens('processes'),
}

const timeline: ContainerAction = {
  id: 'container.timeline',
  icon: TimelineIcon,
  label: () => t.containers.tabs.timeline,
  group: 1,
  single: true,
  fits: () => true,
  run: opens('timeline'),
}

const rename: ContainerAction = {
  id: 'container.rename',
  icon: EditIcon,
  label: () => t.containers.verbs.rename,
  shortcut: { code: 'F2' },
  group: 2,
  single: true,
  fits: () => true,
  run: ([target]) => {
    if (target) dialogs.open = { kind: 'rename', container: target }
  },
}

export const limits: ContainerAction = {
  id: 'container.update',
  icon: LimitsIcon,
  label: () => t.containers.verbs.update,
  group: 2,
  single: true,
  fits: () => true,
  run: ([target]) => {
    if (target) dialogs.open = { kind: 'limits', container: target }
  },
}

const kill: ContainerAction = {
  id: 'container.kill',
  icon: KillIcon,
  label: () => t.containers.verbs.kill,
  danger: true,
  group: 3,
  fits: alive,
  run: (targets) =>
    each(targets, (target) => work.run(target, 'kill', () => call('kill_container', { container: target.id, signal: null }))),
}

async function askAndRemove(targets: readonly ContainerSummary[]): Promise<void> {
  const yes = await confirmation.ask({
    title: t.containers.remove.title(targets.length),
    text: t.containers.remove.text(targets.filter(alive).length),
    objects: targets.map((target) => ({ name: target.name, detail: describe(target, Date.now()).word })),
    consequence: t.containers.remove.volumes,
    verb: t.containers.verbs.remove,
  })
  if (!yes) return
  each(targets, (target) =>
    work.run(target, 'remove', () => call('remove_container', { container: target.id, force: active(target), volumes: false })),
  )
}

export const remove: ContainerAction = {
  id: 'container.remove',
  icon: DeleteIcon,
  label: () => t.containers.verbs.remove,
  shortcut: { code: 'Delete' },
  danger: true,
  group: 3,
  fits: () => true,
  run: askAndRemove,
}

/** Every verb of a container, in the order of its menu. */
export const containerActions: readonly ContainerAction[] = [
  start, stop, restart, pause, resume, logs, terminal, resources, isolation, processes, timeline, limits, rename, ...copyActions, kill, remove,
]
