import type { CreateContainer, Mount, MountKind, PortRequest, Protocol } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { leastMemoryMiB, limitErrors, limitsOf } from '../limitDraft'
import { splitCommand } from './words'

export interface PortDraft {
  host: string
  container: string
  protocol: Protocol
}

export interface MountDraft {
  kind: MountKind
  source: string
  target: string
  readOnly: boolean
}

export interface PairDraft {
  name: string
  value: string
}

/** The form of a new container, as text that is still being typed. */
export interface Draft {
  image: string
  name: string
  command: string
  env: PairDraft[]
  ports: PortDraft[]
  mounts: MountDraft[]
  network: 'bridge' | 'host' | 'none'
  memoryMiB: string
  cpus: string
  pids: string
  restart: 'no' | 'always' | 'unlessStopped' | 'onFailure'
  terminal: boolean
  autoRemove: boolean
  readOnly: boolean
  init: boolean
}

export const emptyDraft = (image: string): Draft => ({
  image,
  name: '',
  command: '',
  env: [],
  ports: [],
  mounts: [],
  network: 'bridge',
  memoryMiB: '',
  cpus: '',
  pids: '',
  restart: 'no',
  terminal: false,
  autoRemove: false,
  readOnly: false,
  init: false,
})

/** What is wrong, by field; a field of a list is `ports.0`. */
export type DraftErrors = Partial<Record<string, string>>

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const ENV_NAME = /^[^=\s\0]+$/
const MAX_PORT = 65_535

export function nameError(name: string): string | undefined {
  return NAME.test(name) ? undefined : t.create.errors.name
}

const isPort = (text: string, lowest: number): boolean => /^\d+$/.test(text) && Number(text) >= lowest && Number(text) <= MAX_PORT

function portError({ host, container }: PortDraft, ports: readonly PortDraft[]): string | undefined {
  if (!isPort(container, 1)) return t.create.errors.port
  if (host === '') return undefined
  if (!isPort(host, 0)) return t.create.errors.port
  const same = ports.filter((other) => other.host === host && host !== '0')
  return same.length > 1 ? t.create.errors.portTwice(host) : undefined
}

function mountError({ kind, source, target }: MountDraft): string | undefined {
  if (!target.startsWith('/')) return t.create.errors.target
  if (kind === 'bind' && !source.startsWith('/')) return t.create.errors.source
  return undefined
}

/** Checks what can be known before the engine is asked. */
export function check(draft: Draft): DraftErrors {
  const errors: DraftErrors = {}
  const note = (field: string, error: string | undefined): void => {
    if (error !== undefined) errors[field] = error
  }
  if (draft.image.trim() === '') note('image', t.create.errors.image)
  if (draft.name !== '') note('name', nameError(draft.name))
  const limits = limitErrors(draft)
  if (limits.memoryMiB) note('memoryMiB', t.create.errors.memory(leastMemoryMiB))
  if (limits.cpus) note('cpus', t.create.errors.cpus)
  if (limits.pids) note('pids', t.create.errors.pids)
  draft.env.forEach(({ name }, index) => note(`env.${index}`, ENV_NAME.test(name) ? undefined : t.create.errors.env))
  draft.ports.forEach((port, index) => note(`ports.${index}`, portError(port, draft.ports)))
  draft.mounts.forEach((mount, index) => note(`mounts.${index}`, mountError(mount)))
  return errors
}

const portOf = ({ host, container, protocol }: PortDraft): PortRequest => ({
  containerPort: Number(container),
  hostPort: Number(host || 0),
  hostAddress: null,
  protocol,
})

const mountOf = ({ kind, source, target, readOnly }: MountDraft): Mount => ({
  kind,
  source: kind === 'tmpfs' ? '' : source,
  target,
  readOnly,
  propagation: null,
  sizeBytes: null,
  mode: null,
  noCopy: false,
})

/** What the form does not ask for is left to the image and to the engine. */
const UNASKED = {
  entrypoint: null,
  workingDir: null,
  user: null,
  groups: [],
  hostname: null,
  domainname: null,
  stdinOnce: false,
  exposedPorts: [],
  endpoints: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  extraHosts: [],
  labels: {},
  privileged: false,
  capAdd: [],
  capDrop: [],
  securityOptions: [],
  devices: [],
  sysctls: {},
  ulimits: [],
  pidMode: null,
  ipcMode: null,
  utsMode: null,
  shmBytes: null,
  oomScoreAdj: null,
  stopSignal: null,
  stopTimeoutS: null,
  volumesFrom: [],
  deviceRules: [],
  healthCheck: null,
  log: { off: false, maxBytes: null, maxFiles: null, compress: false },
  platform: null,
  consoleSize: null,
} satisfies Partial<CreateContainer>

/** The request of a form without errors. */
export function toRequest(draft: Draft): CreateContainer {
  const command = splitCommand(draft.command)
  return {
    ...UNASKED,
    image: draft.image.trim(),
    name: draft.name || null,
    command: command.length > 0 ? command : null,
    env: draft.env.map(({ name, value }) => `${name}=${value}`),
    ports: draft.ports.map(portOf),
    mounts: draft.mounts.map(mountOf),
    network: { type: draft.network },
    limits: limitsOf(draft),
    restart: draft.restart === 'onFailure' ? { type: 'onFailure', maxRetries: 0 } : { type: draft.restart },
    terminal: draft.terminal,
    openStdin: draft.terminal,
    autoRemove: draft.autoRemove,
    readOnly: draft.readOnly,
    init: draft.init,
  }
}
